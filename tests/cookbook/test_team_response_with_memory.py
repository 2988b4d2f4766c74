"""The two evaluations of a team, run as a reader would, and the team of five users in many orders."""

from __future__ import annotations

import asyncio
import re
import runpy
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.db.postgres import PostgresDb
from agno_lite.tracing import semconv
from tests.fix_model import ModelServer, model_servers

from .conftest import (
    INTERLEAVINGS,
    ROOT,
    check_rows,
    create_database,
    masked,
    recorded,
    run,
    sent,
    speakers,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from agno_lite.db.schemas import RunRecord

ITERATIONS = 5


@dataclass(frozen=True, kw_only=True)
class Example:
    """A script, and what an iteration of it does."""

    path: str
    """The script."""
    users: tuple[str, ...]
    """Who asks, each once in an iteration."""
    requests: int
    """Model requests of one user's run, the members' and the memory manager's too."""
    members: int
    """How many members have a part in a run."""
    most_lines: int
    """How many lines of growth are printed for an iteration."""
    streamed: bool
    """Whether answers are streamed."""


MULTI_USER = Example(
    path="cookbook/09_evals/performance/team_response_with_memory_multi_user.py",
    users=tuple(f"{name}@example.com" for name in ("ana", "bilal", "chen", "dalia", "emil")),
    requests=7,
    members=2,
    most_lines=10,
    streamed=False,
)
SIMPLE = Example(
    path="cookbook/09_evals/performance/team_response_with_memory_simple.py",
    users=("ana@example.com",),
    requests=5,
    members=1,
    most_lines=5,
    streamed=True,
)
BOTH = pytest.mark.parametrize("example", [MULTI_USER, SIMPLE], ids=["multi_user", "simple"])


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """An example that ran at a loopback server, to its end."""

    example: Example
    """Which one."""
    done: subprocess.CompletedProcess[str]
    """Its exit status and output."""
    server: ModelServer
    """What it asked."""
    db: PostgresDb
    """What it stored."""

    @property
    def iterations(self) -> list[ModelServer]:
        """The requests of each iteration: one follows the other."""
        size = len(self.server.bodies) // ITERATIONS
        starts = range(0, size * ITERATIONS, size)
        return [ModelServer(self.server.url, self.server.bodies[start : start + size]) for start in starts]

    def sessions(self, user: str) -> list[list[RunRecord]]:
        """The runs of each session of a user."""
        found = self.db.get_sessions(user_id=user)
        return [self.db.get_runs(user_id=user, session_id=one.session_id) for one in found]


@pytest.fixture(scope="module", params=[MULTI_USER, SIMPLE], ids=["multi_user", "simple"])
def evaluated(
    request: pytest.FixtureRequest, postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Evaluated]:
    """Each example, run once for all tests: tracing memory takes its time."""
    example: Example = request.param
    url = create_database(postgres_server, (ROOT / example.path).stem)
    with model_servers() as serve:
        server = serve()
        done = run(
            ROOT / example.path,
            tmp_path_factory.mktemp("elsewhere"),
            AGNO_LITE_DB_URL=url,
            OPENAI_BASE_URL=server.url,
            OPENAI_API_KEY="key",
        )
    assert done.returncode == 0, done.stderr
    db = PostgresDb(url)
    yield Evaluated(example=example, done=done, server=server, db=db)
    db.close()


@BOTH
def test_it_runs_from_any_directory_without_any_setting(example: Example, tmp_path: Path) -> None:
    """No key, no server: one line on standard error names model and database; those of debugging follow."""
    done = run(ROOT / example.path, tmp_path)
    assert done.returncode == 0, done.stderr
    notice, *debugged = done.stderr.splitlines()
    for word in ("gpt-5.2", "offline", "OPENAI_API_KEY", "PostgreSQL", "embedded", "AGNO_LITE_DB_URL"):
        assert word in notice
    wanted = [f"memory {number}/{ITERATIONS}" for number in range(1, ITERATIONS + 1)]
    assert [line[:10] for line in debugged] == (wanted if example is SIMPLE else [])
    assert all(re.fullmatch(r"memory ./. [\d,]+ bytes at the peak", line) for line in debugged)


def test_every_iteration_sends_all_its_requests(evaluated: Evaluated) -> None:
    """A server counts as many requests as the script prints, and gets those that the page shows."""
    example = evaluated.example
    each = example.requests * len(example.users)
    printed = [row[-1] for row in table(evaluated.done.stdout, "iterations")]
    assert printed == [str(each)] * ITERATIONS
    assert len(evaluated.server.bodies) == ITERATIONS * each
    assert sorted(map(masked, evaluated.server.bodies)) == sent(recorded(example.path)[0])


def test_memory_hears_each_user_once_in_a_run_and_never_the_leader(evaluated: Evaluated) -> None:
    """One memory request for each run, with what the user asked the leader; no task is among them."""
    example = evaluated.example
    for iteration in evaluated.iterations:
        heard = [last_words(body) for body in iteration.memory_updates()]
        opened = [body for body in iteration.answers() if body["messages"][-1]["role"] == "user"]
        asked = [last_words(body) for body in opened if is_leaders(body)]
        tasks = [last_words(body) for body in opened if not is_leaders(body)]
        assert sorted(heard) == sorted(asked)
        assert all(re.match(r"I love (\w+)! .* in \1\?$", words) for words in heard)
        assert len(heard) == len(example.users)
        assert len(tasks) == len(example.users) * example.members
        assert not set(tasks) & set(heard)


def last_words(body: dict[str, Any]) -> str:
    """The last message of a request."""
    return str(body["messages"][-1]["content"])


def is_leaders(body: dict[str, Any]) -> bool:
    """Whether a request is from a team's leader."""
    return any(tool["function"]["name"] == "delegate_task_to_member" for tool in body["tools"])


def test_answers_are_streamed_where_the_script_says_so(evaluated: Evaluated) -> None:
    """The leader's and the members' alike."""
    answers = evaluated.server.answers()
    assert {body.get("stream", False) for body in answers} == {evaluated.example.streamed}


def test_every_run_has_a_session_of_its_own(evaluated: Evaluated) -> None:
    """In each session a user asked the team once; members' runs are beside the team's, of the same user."""
    example = evaluated.example
    sessions = [session for user in example.users for session in evaluated.sessions(user)]
    assert len(sessions) == ITERATIONS * len(example.users)
    assert len({run.session_id for session in sessions for run in session}) == len(sessions)
    for session in sessions:
        (asked,) = (run for run in session if run.parent_run_id is None)
        parts = [run for run in session if run is not asked]
        assert len(parts) == example.members
        assert {run.parent_run_id for run in parts} == {asked.run_id}
        assert {run.user_id for run in session} == {asked.user_id}


def test_memories_are_those_of_the_cities_that_a_user_asked_about(evaluated: Evaluated) -> None:
    """Each once, however often it was asked about, and in the order of the questions."""
    for user in evaluated.example.users:
        memories = [memory.memory for memory in evaluated.db.get_user_memories(user_id=user)]
        asked = [city_in(session) for session in reversed(evaluated.sessions(user))]
        assert memories == [f"User likes {city}" for city in dict.fromkeys(asked)]


def city_in(session: Sequence[RunRecord]) -> str:
    """The city that a user asked about in a session."""
    (asked,) = (run for run in session if run.parent_run_id is None)
    return asked.input.split("!")[0].removeprefix("I love ")


def table(output: str, title: str) -> list[list[str]]:
    """The rows of a table that was printed; what does not fit its line is joined."""
    rows: list[list[str]] = []
    for line in output.partition(f"Team Memory Impact: {title}")[2].partition("└")[0].splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if cells and any(cells[:-1]):
            rows.append(cells)
        elif cells:
            rows[-1][-1] += cells[-1]
    return rows


def test_the_summary_is_that_of_the_iterations(evaluated: Evaluated) -> None:
    """Memory and requests were measured, run time was not."""
    output = evaluated.done.stdout
    iterations = table(output, "iterations")
    assert [row[0] for row in iterations] == [str(number) for number in range(1, ITERATIONS + 1)]
    figures = [float(row[1]) for row in iterations]
    assert min(figures) > 0
    summary = {name: float(value) for name, value in table(output, "summary")}
    assert summary["Minimum"] == min(figures)
    assert summary["Maximum"] == max(figures)
    assert summary["Median"] == statistics.median(figures)
    assert summary["Mean"] == pytest.approx(statistics.fmean(figures), abs=1e-6)
    assert summary["Model requests in all"] == len(evaluated.server.bodies)
    assert "Run time" not in output


def test_growth_is_told_by_line_for_each_iteration(evaluated: Evaluated) -> None:
    """The largest first, no more than wanted, and none of a line that only watches."""
    groups: list[list[tuple[float, str]]] = []
    for number, size, _, place in table(evaluated.done.stdout, "memory growth"):
        if number:
            assert (number, place) == (str(len(groups) + 1), "all lines")
            groups.append([])
        else:
            groups[-1].append((float(size), place))
    assert len(groups) == ITERATIONS
    assert len(groups[0]) == evaluated.example.most_lines
    for lines in groups:
        sizes = [size for size, _ in lines]
        assert sizes == sorted(sizes, reverse=True)
        assert len(lines) <= evaluated.example.most_lines
        assert all(re.fullmatch(r"\S.*:\d+", place) for _, place in lines)
        assert not any(
            re.match(r"agno_lite/(eval|tracing|gallery)/|tracemalloc", place) for _, place in lines
        )


def test_five_users_ask_at_once() -> None:
    """In each iteration five branches may overlap, one for each user; as measured, five requests did."""
    capture, measurements = recorded(MULTI_USER.path)
    groups = [span.id for span in capture.spans if span.kind == semconv.GATHER]
    assert len(groups) == ITERATIONS
    for group in groups:
        branches = {span.id for span in capture.spans if span.parent == group}
        runs = [
            span for span in capture.spans if span.kind == semconv.INVOKE_AGENT and span.parent in branches
        ]
        assert sorted(span.attributes[semconv.USER_ID] for span in runs) == list(MULTI_USER.users)
        assert len({span.parent for span in runs}) == len(runs)
    assert measurements.most_at_once >= len(MULTI_USER.users)


@BOTH
def test_the_seed_decides_the_cities(
    example: Example, at_server: Callable[..., ModelServer], tmp_path: Path
) -> None:
    """The same seed asks about the same cities again; another one about others."""
    server = at_server()
    text = (ROOT / example.path).read_text()
    other = text.replace("Random(20)", "Random(21)")
    assert other != text
    asked = []
    for source in (text, text, other):
        (tmp_path / "script.py").write_text(source)
        server.bodies.clear()
        run_team = runpy.run_path(str(tmp_path / "script.py"))["run_team"]
        for _ in range(2):
            asyncio.run(run_team())
        asked.append(sorted(map(last_words, server.memory_updates())))
    assert asked[0] == asked[1]
    assert asked[0] != asked[2]


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ("", "left work undone: the stream of 'arun' was never iterated"),
        ("return stream", "returned a stream that was never consumed"),
        ("async for _ in stream:\n        break", "began 1 runs, and none asked a model"),
    ],
    ids=["dropped", "returned", "left"],
)
def test_a_stream_that_nobody_reads_is_an_error(instead: str, said: str, tmp_path: Path) -> None:
    """There are no figures of a team that never ran, and the error names the function and the call."""
    text = (ROOT / SIMPLE.path).read_text()
    changed = text.replace("async for _ in stream:\n        pass", instead)
    assert changed != text
    (tmp_path / "script.py").write_text(changed)
    done = run(tmp_path / "script.py", tmp_path, AGNO_LITE_OFFLINE="1")
    assert done.returncode != 0
    assert done.stdout == ""
    error, note = done.stderr.splitlines()[-2:]
    assert f"EvaluationError: run_team() {said}" in error
    assert note == f"in iteration 1 of {ITERATIONS} of the memory pass"


def test_users_stay_apart_in_whatever_order_they_are_answered(
    interleaved: Callable[[int], AbstractContextManager[ModelServer]], postgres_url: str
) -> None:
    """With answers that take random times no request, run or memory of one user holds a word of another.

    There are so many places to ask about that no two users ask about the same one.
    """
    names = runpy.run_path(str(ROOT / MULTI_USER.path))
    names["cities"][:] = [f"Town{number}" for number in range(100_000, 600_000)]
    db = PostgresDb(postgres_url)
    rounds, orders = 2, set()

    async def several_rounds() -> None:
        for _ in range(rounds):
            await names["run_team"]()

    for seed in INTERLEAVINGS:
        with interleaved(seed) as server:
            asyncio.run(several_rounds())
            words = {user: cities(db, user) for user in MULTI_USER.users}
            assert len(set.union(*words.values())) == rounds * len(words)
            assert len(server.bodies) == rounds * len(words) * MULTI_USER.requests
            assert all(len(speakers(body, words)) == 1 for body in server.bodies)
            check_rows(db, words)
            orders.add(tuple(map(masked, server.bodies)))
    assert len(orders) == len(INTERLEAVINGS)


def cities(db: PostgresDb, user: str) -> set[str]:
    """The cities that a user asked about."""
    sessions = db.get_sessions(user_id=user)
    return {city_in(db.get_runs(user_id=user, session_id=one.session_id)) for one in sessions}
