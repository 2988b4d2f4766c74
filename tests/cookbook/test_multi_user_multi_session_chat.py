"""The example with three users and four sessions, run as a reader would."""

from __future__ import annotations

import re
import runpy
from typing import TYPE_CHECKING

import pytest

from agno_lite.db.postgres import PostgresDb

from .conftest import (
    INTERLEAVINGS,
    ROOT,
    USERS,
    check_rows,
    create_database,
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

    from tests.fix_model import ModelServer

SCRIPT = ROOT / "cookbook/11_memory/05_multi_user_multi_session_chat.py"


@pytest.fixture(scope="module")
def database(postgres_server: str) -> str:
    """Address of a database of this module's own."""
    return create_database(postgres_server, "example_05")


@pytest.fixture(scope="module")
def two_runs(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[str, dict[str, list[str]]]]:
    """Output of a first and a second run, and the ids of every user's rows after each."""
    folder, db = tmp_path_factory.mktemp("elsewhere"), PostgresDb(database)
    found = []
    for _ in range(2):
        done = run(SCRIPT, folder, AGNO_LITE_DB_URL=database)
        assert done.returncode == 0, done.stderr
        found.append((done.stdout, {user: rows(db, user) for user in USERS}))
    db.close()
    return found


def rows(db: PostgresDb, user: str) -> list[str]:
    """Ids of a user's rows: memories, sessions, runs."""
    sessions = [session.session_id for session in db.get_sessions(user_id=user)]
    runs = [run.run_id for session in sessions for run in db.get_runs(user_id=user, session_id=session)]
    memories = [f"memory {memory.memory_id}" for memory in db.get_user_memories(user_id=user)]
    return [*memories, *(f"session {one}" for one in sessions), *(f"run {one}" for one in runs)]


def test_it_runs_from_any_directory_without_any_setting(tmp_path: Path) -> None:
    """No key, no server: one line on standard error names model and database, and how to use others."""
    done = run(SCRIPT, tmp_path)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    for word in ("gpt-4o-mini", "offline", "OPENAI_API_KEY", "PostgreSQL", "embedded", "AGNO_LITE_DB_URL"):
        assert word in line


def test_each_user_has_their_own_facts_in_the_third_person(two_runs: list[tuple[str, object]]) -> None:
    """Every fact is remembered of whoever said it and of nobody else, as a statement, not as it was said."""
    memories = printed_memories(two_runs[0][0])
    assert len(memories) == len(USERS)
    said = SCRIPT.read_text()
    for facts, wanted in zip(memories, USERS.values(), strict=True):
        assert all(fact.startswith("User") and fact not in said for fact in facts)
        assert len(facts) == len(wanted)
        others = {word for words in USERS.values() for word in words} - set(wanted)
        for word in wanted:
            assert any(word in fact for fact in facts), f"{word} is not in {facts}"
        assert not [word for word in others if word in " ".join(facts)]


def test_the_last_answer_names_an_interest_of_the_first_user(two_runs: list[tuple[str, object]]) -> None:
    """Memories are in the context of the answer, though no history is sent."""
    assert re.search(r"anime|manga|video games", last_answer(two_runs[0][0]))


def last_answer(output: str) -> str:
    """The text of the last response panel."""
    panel = output.partition("What do you suggest I do this weekend?")[2].partition("User 1's memories:")[0]
    return panel.partition("Response")[2]


def test_without_memories_in_context_the_last_answer_names_none(tmp_path: Path, database: str) -> None:
    """With `add_memories_to_context=False` the same script answers without knowing the user."""
    text = SCRIPT.read_text().replace(
        "update_memory_on_run=True,", "update_memory_on_run=True, add_memories_to_context=False,"
    )
    assert text != SCRIPT.read_text()
    (tmp_path / "changed.py").write_text(text)
    done = run(tmp_path / "changed.py", tmp_path, AGNO_LITE_DB_URL=database, AGNO_LITE_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert not re.search(r"anime|manga|video games", last_answer(done.stdout))


def test_a_second_run_adds_sessions_and_runs_and_no_memories(
    two_runs: list[tuple[str, dict[str, list[str]]]],
) -> None:
    """The same memories as after the first run, the same rows; its sessions and runs beside the new ones."""
    first, second = (rows for _, rows in two_runs)
    for user in USERS:
        kept, now = set(first[user]), set(second[user])
        assert kept < now
        assert {row for row in now if row.startswith("memory")} == {
            row for row in kept if row.startswith("memory")
        }
        for kind in ("session", "run"):
            counts = [sum(row.startswith(kind) for row in some) for some in (kept, now)]
            assert counts[1] == 2 * counts[0] > 0


def test_the_requests_on_the_page_are_those_that_a_server_gets(
    serve_model: Callable[..., ModelServer], tmp_path: Path, postgres_url: str
) -> None:
    """Run against a loopback server that counts, the script sends what the capture holds, one by one."""
    server = serve_model(latency=0.02)
    done = run(
        SCRIPT, tmp_path, AGNO_LITE_DB_URL=postgres_url, OPENAI_BASE_URL=server.url, OPENAI_API_KEY="key"
    )
    assert done.returncode == 0, done.stderr
    capture, _ = recorded(SCRIPT.relative_to(ROOT).as_posix())
    assert len(server.bodies) == 16
    assert sorted(map(masked, server.bodies)) == sent(capture)


def test_users_stay_apart_however_long_answers_take(
    interleaved: Callable[[int], AbstractContextManager[ModelServer]], postgres_url: str
) -> None:
    """Whether the answer or the memory update of a turn ends first, nobody gets a word of anybody else."""
    db = PostgresDb(postgres_url)
    for seed in INTERLEAVINGS:
        with interleaved(seed) as server:
            runpy.run_path(str(SCRIPT), run_name="__main__")
            assert len(server.bodies) == 16
            assert all(len(speakers(body, USERS)) <= 1 for body in server.bodies)
            check_rows(db, USERS)
