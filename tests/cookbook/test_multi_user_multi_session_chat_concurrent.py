"""The example with three users at the same time, run as a reader would, and in many orders."""

from __future__ import annotations

import asyncio
import re
import runpy
from typing import TYPE_CHECKING

from agno_lite.db.postgres import PostgresDb
from agno_lite.tracing import semconv

from .conftest import (
    INTERLEAVINGS,
    ROOT,
    USERS,
    check_rows,
    masked,
    printed_memories,
    recorded,
    run,
    sent,
    speakers,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    import pytest

    from tests.fix_model import ModelServer

SEQUENTIAL = "cookbook/11_memory/05_multi_user_multi_session_chat.py"
CONCURRENT = "cookbook/11_memory/06_multi_user_multi_session_chat_concurrent.py"


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
    assert len(server.bodies) == 16
    assert sorted(map(masked, server.bodies)) == sent(capture)


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
    interleaved: Callable[[int], AbstractContextManager[ModelServer]],
    postgres_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With answers that take random times no request, run or memory of one user holds a word of another."""
    names = runpy.run_path(str(ROOT / CONCURRENT))
    orders, db = set(), PostgresDb(postgres_url)
    for seed in INTERLEAVINGS:
        with interleaved(seed) as server:
            asyncio.run(names["run_concurrent_chat_agent"]())
            done = re.findall("User . Done", capsys.readouterr().out)
            assert len(set(done)) == len(done) == 3
            assert len(server.bodies) == 16
            assert all(len(speakers(body, USERS)) <= 1 for body in server.bodies)
            check_rows(db, USERS)
            orders.add(tuple(map(masked, server.bodies)))
    assert len(orders) > 1
