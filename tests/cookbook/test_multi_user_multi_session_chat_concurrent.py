"""The example with three users at the same time, run as a reader would, and in many orders."""

from __future__ import annotations

import asyncio
import random
import re
import runpy
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.db.postgres import PostgresDb
from agno_lite.gallery.config import open_project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.store import Store
from agno_lite.tracing import semconv

from .conftest import ROOT, USERS, printed_memories, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agno_lite.gallery.records import Capture, Measurements
    from tests.fix_model import ModelServer

SEQUENTIAL = "cookbook/11_memory/05_multi_user_multi_session_chat.py"
CONCURRENT = "cookbook/11_memory/06_multi_user_multi_session_chat_concurrent.py"
INTERLEAVINGS = 20


def recorded(path: str) -> tuple[Capture, Measurements]:
    """Facts and measurements of an example, as they are in the repository."""
    project = open_project(ROOT)
    (example,) = (one for one in discover(project) if one.path == path)
    capture, measurements = Store(project).load(example), Store(project).load_measurements(example)
    assert capture is not None
    assert measurements is not None
    return capture, measurements


def test_it_runs_from_any_directory_without_any_setting(tmp_path: Path) -> None:
    """No key, no server: each user is done once, and each one's memories are those of the example before."""
    done = run(ROOT / CONCURRENT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(re.findall("^User . Done$", done.stdout, re.MULTILINE)) == [
        f"User {number} Done" for number in (1, 2, 3)
    ]
    storage = recorded(SEQUENTIAL)[0].storage
    assert storage is not None
    assert printed_memories(done.stdout) == [list(storage.users[user].memories) for user in USERS]


def test_the_runs_overlap(serve_model: Callable[..., ModelServer], tmp_path: Path, postgres_url: str) -> None:
    """A server has at least three requests under way at once, and gets those that the page shows."""
    server = serve_model(latency=0.1)
    done = run(
        ROOT / CONCURRENT,
        tmp_path,
        AGNO_LITE_DB_URL=postgres_url,
        OPENAI_BASE_URL=server.url,
        OPENAI_API_KEY="key",
    )
    assert done.returncode == 0, done.stderr
    assert server.most_at_once >= 3
    capture, _ = recorded(CONCURRENT)
    sent = [capture.bodies[exchange.request] for exchange in capture.exchanges]
    assert len(sent) == len(server.bodies) == 16
    assert sorted(map(masked, sent)) == sorted(map(masked, server.bodies))


def masked(body: object) -> str:
    """A request as text, without the ids of memories."""
    uuid = r"<uuid:\d+>|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return re.sub(uuid, "<id>", repr(body))


def test_the_measurements_show_the_overlap() -> None:
    """One after another, a turn's two requests overlap; at the same time, those of several users do."""
    _, one_by_one = recorded(SEQUENTIAL)
    _, at_once = recorded(CONCURRENT)
    assert one_by_one.most_at_once == 2
    assert at_once.most_at_once >= 3
    assert at_once.exchanging < one_by_one.exchanging
    assert at_once.exchanging < at_once.waited / 2


def test_the_recording_has_a_branch_for_each_conversation() -> None:
    """The facts say which runs may overlap, and each run belongs to the branch of its user."""
    capture, _ = recorded(CONCURRENT)
    (group,) = (span for span in capture.spans if span.kind == semconv.GATHER)
    branches = {span.id: span.function for span in capture.spans if span.parent == group.id}
    runs = [
        (branches[span.parent or 0], span.attributes[semconv.USER_ID])
        for span in capture.spans
        if span.kind == semconv.INVOKE_AGENT
    ]
    assert runs == [
        (f"user_{number}_conversation", f"user_{number}@example.com") for number in (1, 1, 1, 1, 2, 2, 2, 3)
    ]


def test_users_stay_apart_in_whatever_order_they_are_answered(
    serve_model: Callable[..., ModelServer],
    postgres_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With answers that take random times no request, run or memory of one user holds a word of another."""
    chance = random.Random()
    server = serve_model(delay=lambda: chance.random() / 50)
    monkeypatch.setenv("AGNO_LITE_DB_URL", postgres_url)
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    names = runpy.run_path(str(ROOT / CONCURRENT))
    orders, db = set(), PostgresDb(postgres_url)
    for seed in range(INTERLEAVINGS):
        chance.seed(seed)
        server.bodies.clear()
        asyncio.run(names["run_concurrent_chat_agent"]())
        done = re.findall("User . Done", capsys.readouterr().out)
        assert len(set(done)) == len(done) == 3
        orders.add(tuple(map(masked, server.bodies)))
        assert len(server.bodies) == 16
        assert all(len(speakers(body)) <= 1 for body in server.bodies)
        for user, words in USERS.items():
            check_rows(db, user, words)
            db.clear_memories(user_id=user)
    assert len(orders) > 1


def speakers(thing: Any) -> set[str]:
    """The users of whom a word stands in something."""
    text = repr(thing)
    return {user for user, words in USERS.items() if any(word in text for word in words)}


def check_rows(db: PostgresDb, user: str, words: tuple[str, ...]) -> None:
    """What the database holds of a user is the user's own, and all of it."""
    memories = [memory.memory for memory in db.get_user_memories(user_id=user)]
    assert len(memories) == len(words)
    assert all(any(word in memory for memory in memories) for word in words)
    sessions = db.get_sessions(user_id=user)
    runs = [run for one in sessions for run in db.get_runs(user_id=user, session_id=one.session_id)]
    assert speakers([memories, *((run.input, run.content, run.messages) for run in runs)]) == {user}
