"""Scripts of the cookbook, run as a reader would."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from agno_lite.db.postgres import PostgresDb
from agno_lite.gallery.config import open_project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from agno_lite.gallery.records import Capture, Measurements
    from tests.fix_model import ModelServer

    Words = Mapping[str, Iterable[str]]
    """Words of which each belongs to one user, by user."""

ROOT = Path(__file__).parents[2]
USERS = {
    "user_1@example.com": ("Mina Park", "anime", "video games", "manga"),
    "user_2@example.com": ("Omar Haddad", "hiking"),
    "user_3@example.com": ("Julia Lind", "gym"),
}
"""Words of what each user of the memory examples tells, one for each fact."""
INTERLEAVINGS = range(20)
"""Seeds, each of which makes the model take other times for its answers."""
_LONGEST_DELAY = 0.02
_ID = re.compile(
    r"<(?:uuid|call):\d+>|call_[0-9a-f]{24}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def run(script: Path, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a script from `folder`, with no settings but the ones given."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "AGNO_LITE_HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=folder,
        env={**kept, "COLUMNS": "100", **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def printed_memories(output: str) -> list[list[str]]:
    """What stands under each "User N's memories:"."""
    parts = re.split(r"User \d's memories:\n", output)[1:]
    return [re.findall(r"^- (.*)$", part, re.MULTILINE) for part in parts]


def recorded(path: str) -> tuple[Capture, Measurements]:
    """Facts and measurements of an example, as they are in the repository."""
    project = open_project(ROOT)
    (example,) = (one for one in discover(project) if one.path == path)
    capture, measurements = Store(project).load(example), Store(project).load_measurements(example)
    assert capture is not None
    assert measurements is not None
    return capture, measurements


def masked(body: object) -> str:
    """A request as text, without the ids of memories and tool calls."""
    return _ID.sub("<id>", repr(body))


def sent(capture: Capture) -> list[str]:
    """The recorded requests, masked, sorted."""
    return sorted(masked(capture.bodies[exchange.request]) for exchange in capture.exchanges)


def create_database(server: str, name: str) -> str:
    """Make an empty database, and give its address."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


@pytest.fixture
def at_server(
    serve_model: Callable[..., ModelServer], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., ModelServer]:
    """Start a server, and let scripts that run in this process use it and a database that is empty."""

    def start(**settings: Any) -> ModelServer:
        server = serve_model(**settings)
        monkeypatch.setenv("AGNO_LITE_DB_URL", postgres_url)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        return server

    return start


@pytest.fixture
def interleaved(
    at_server: Callable[..., ModelServer], postgres_url: str, subtests: pytest.Subtests
) -> Callable[[int], AbstractContextManager[ModelServer]]:
    """For a seed, empty the database and give a server that answers after delays.

    A delay depends on the seed and the request, not on when it arrives: a seed can be tried again. A failure
    says the seed, and the next one follows.
    """
    seeds = [0]
    PostgresDb(postgres_url).get_sessions(user_id="nobody")  # makes the tables

    def delay(body: dict[str, Any]) -> float:
        return random.Random(f"{seeds[-1]} {masked(body)}").random() * _LONGEST_DELAY

    server = at_server(delay=delay)

    @contextmanager
    def one(seed: int) -> Iterator[ModelServer]:
        seeds.append(seed)
        server.bodies.clear()
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("truncate agno_lite.sessions, agno_lite.runs, agno_lite.memories")
        with subtests.test(seed=seed):
            yield server

    return one


def speakers(thing: object, words: Words) -> set[str]:
    """The users of whom a word stands in something."""
    text = repr(thing)
    return {user for user, own in words.items() if any(word in text for word in own)}


def check_rows(db: PostgresDb, words: Words) -> None:
    """What the database holds of each user is the user's own, and a memory for each word."""
    for user, own in words.items():
        memories = [memory.memory for memory in db.get_user_memories(user_id=user)]
        assert len(memories) == len(list(own))
        assert all(any(word in memory for memory in memories) for word in own)
        sessions = db.get_sessions(user_id=user)
        runs = [run for one in sessions for run in db.get_runs(user_id=user, session_id=one.session_id)]
        told = [(run.input, run.content, run.messages) for run in runs]
        assert speakers([memories, *told], words) == {user}
