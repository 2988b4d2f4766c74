"""An evaluation does not give figures of work that was not done."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.agent import Agent
from agno_lite.eval.performance import PerformanceEval
from agno_lite.exceptions import EvaluationError
from agno_lite.models.offline import Fault
from agno_lite.models.openai import OpenAIChat
from agno_lite.tracing import Tally, add_watcher, remove_watcher, semconv, span

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from agno_lite.eval.performance import PerformanceResult
    from agno_lite.tracing import Span
    from tests.fix_model import ModelServer

    MakeAgent = Callable[..., tuple[Agent, ModelServer]]

SHORT: dict[str, Any] = {"num_iterations": 2, "warmup_runs": 0}


def measure(function: Callable[[], Any], **settings: Any) -> PerformanceResult:
    """A short evaluation of either kind."""
    evaluation = PerformanceEval(function, **SHORT | settings)
    return asyncio.run(evaluation.arun()) if asyncio.iscoroutinefunction(function) else evaluation.run()


async def work() -> int:
    """Something to await."""
    await asyncio.sleep(0)
    return 1


async def pieces() -> AsyncIterator[int]:
    """Something to read with `async for`."""
    yield 1
    yield 2


def numbers() -> Iterator[int]:
    """Something to read with `for`."""
    yield 1
    yield 2


def gives_coroutine() -> Any:
    """Forget to await."""
    return work()


def gives_stream() -> Any:
    """Forget to read."""
    return pieces()


def gives_generator() -> Any:
    """Forget to read, without asynchronous code."""
    return numbers()


def gives_half_read_generator() -> Any:
    """Read the first piece only."""
    stream = numbers()
    next(stream)
    return stream


def gives_iterator() -> Any:
    """Forget to read what is no generator."""
    return map(str, [1, 2])


async def gives_coroutine_async() -> Any:
    """Await too little."""
    return work()


async def gives_stream_async() -> Any:
    """Forget to read, inside a loop."""
    return pieces()


async def gives_task() -> Any:
    """Begin what nobody waits for."""
    return asyncio.get_running_loop().create_task(asyncio.sleep(0.05))


def drops_coroutine() -> None:
    """Call an asynchronous function as if it were another."""
    work()  # type: ignore[unused-coroutine]


async def drops_coroutine_async() -> None:
    """The same in a loop."""
    work()  # type: ignore[unused-coroutine]


def drops_coroutine_in_cycle() -> None:
    """Drop a coroutine that only the collector finds."""
    cycle: list[Any] = [work()]
    cycle.append(cycle)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (gives_coroutine, "never awaited.*arun"),
        (gives_stream, "never consumed.*async for"),
        (gives_generator, "never consumed.*`for`"),
        (gives_half_read_generator, "never consumed"),
        (gives_iterator, "never consumed"),
        (gives_coroutine_async, "never awaited"),
        (gives_stream_async, "never consumed.*async for"),
        (gives_task, "not ended"),
        (drops_coroutine, "coroutine 'work' was never awaited.*test_honesty.py"),
        (drops_coroutine_async, "coroutine 'work' was never awaited"),
        (drops_coroutine_in_cycle, "coroutine 'work' was never awaited"),
    ],
)
def test_work_left_undone_fails(function: Callable[[], Any], words: str) -> None:
    """What was asked for and neither awaited nor read makes the evaluation fail and say so."""
    gc.collect()
    with pytest.raises(EvaluationError, match=f"{function.__name__}.*{words}"):
        measure(function)


def test_work_that_others_left_undone_is_theirs() -> None:
    """What was dropped before the evaluation began warns as usual, and is not held against the function."""
    gc.disable()
    try:
        drops_coroutine_in_cycle()
        with pytest.warns(RuntimeWarning, match="coroutine 'work' was never awaited"):
            result = measure(lambda: None)
    finally:
        gc.enable()
    assert result.run_requests == (0, 0)


def test_a_failure_names_iteration_and_pass() -> None:
    """The failure tells where it was noticed, as an error of the function does."""
    outcomes = [work(), 1]
    with pytest.raises(EvaluationError) as caught:
        measure(outcomes.pop)
    assert caught.value.__notes__ == ["in iteration 2 of 2 of the runtime pass"]


def read_to_the_end() -> Any:
    """Give a generator back that was read."""
    stream = numbers()
    assert sum(stream) == 3
    return stream


async def read_to_the_end_async() -> Any:
    """Give an asynchronous generator back that was read."""
    stream = pieces()
    assert [piece async for piece in stream] == [1, 2]
    return stream


async def ended_task() -> Any:
    """Give a task back that has ended."""
    task = asyncio.get_running_loop().create_task(work())
    await task
    return task


@pytest.mark.parametrize("function", [read_to_the_end, read_to_the_end_async, ended_task, lambda: [1]])
def test_work_that_was_done_may_be_returned(function: Callable[[], Any]) -> None:
    """A stream at its end, a task that has ended, a list: these are values."""
    assert len(measure(function).run_times) == 2


def test_requests_are_counted_per_iteration(make_agent: MakeAgent) -> None:
    """Each iteration has the number of requests that reached the server for it, concurrent ones too."""
    agent, server = make_agent()
    sizes = iter((1, 2, 3, 4))

    async def ask() -> None:
        await asyncio.gather(*(agent.arun("Hello!") for _ in range(next(sizes))))

    result = measure(ask)
    assert (result.run_requests, result.memory_requests) == ((1, 2), (3, 4))
    assert len(server.bodies) == 10


def test_requests_of_synchronous_runs_and_memories_are_counted(make_agent: MakeAgent) -> None:
    """Requests made on the background loop count, those of the memory manager among them."""
    from agno_lite.db.in_memory import InMemoryDb

    agent, server = make_agent(db=InMemoryDb(), update_memory_on_run=True)
    result = measure(lambda: agent.run("I like tea."), measure_memory=False)
    assert result.run_requests == (2, 2)
    assert len(server.bodies) == 4


@pytest.mark.parametrize("method", ["run", "arun"])
def test_a_stream_of_an_agent_that_nobody_reads_fails(make_agent: MakeAgent, method: str) -> None:
    """The stream of an agent does nothing until it is read, so there are no figures to give."""
    agent, server = make_agent()

    def forgets() -> None:
        getattr(agent, method)("Hello!", stream=True)

    async def forgets_async() -> None:
        forgets()

    for function in (forgets, forgets_async, lambda: getattr(agent, method)("Hello!", stream=True)):
        with pytest.raises(EvaluationError, match=r"never (iterated|consumed)"):
            measure(function)
    assert server.bodies == []


def test_a_stream_that_is_dropped_unread_warns_outside_evaluations() -> None:
    """A forgotten stream says so as a forgotten coroutine does; one that was begun or finished does not."""
    agent = Agent(model=OpenAIChat("m", api_key="k", base_url="http://127.0.0.1:9/v1"))
    with pytest.warns(RuntimeWarning, match="'arun' was never iterated"):
        agent.arun("Hello!", stream=True)
    with pytest.warns(RuntimeWarning, match="'run' was never iterated"):
        agent.run("Hello!", stream=True)


def test_a_stream_that_is_read_is_measured(make_agent: MakeAgent) -> None:
    """Both ways of streaming work under evaluation, and count."""
    agent, server = make_agent()

    async def reads() -> list[Any]:
        return [event async for event in agent.arun("Hello!", stream=True, stream_events=True)]

    assert measure(reads).memory_requests == (1, 1)
    assert measure(lambda: list(agent.run("Hello!", stream=True))).memory_requests == (1, 1)
    assert len(server.bodies) == 8


def test_a_run_that_asks_no_model_fails(make_agent: MakeAgent) -> None:
    """A run that was begun and broken off before its request has not done what its figures would claim."""
    agent, server = make_agent()

    async def breaks_off() -> None:
        stream = agent.arun("Hello!", stream=True, stream_events=True)
        await anext(aiter(stream))
        await stream.aclose()  # type: ignore[attr-defined]

    with pytest.raises(EvaluationError, match="began 1 runs, and none asked a model"):
        measure(breaks_off)
    assert server.bodies == []


def test_what_is_expected_of_requests_can_be_said(make_agent: MakeAgent) -> None:
    """`expect_requests` makes an evaluation fail that asks no model, or one; unset, none is needed."""
    agent, _ = make_agent()

    def constructs() -> object:
        return Agent(name="x")

    def asks() -> object:
        return agent.run("Hello!")

    assert measure(constructs).run_requests == (0, 0)
    assert measure(constructs, expect_requests=False).run_requests == (0, 0)
    assert measure(asks, expect_requests=True).run_requests == (1, 1)
    with pytest.raises(EvaluationError, match=r"asked no model.*expect_requests is True"):
        measure(constructs, expect_requests=True)
    with pytest.raises(EvaluationError, match=r"asked a model 1 times.*expect_requests is False"):
        measure(asks, expect_requests=False)


def test_a_dead_model_gives_no_table(
    serve_model: Callable[..., ModelServer], capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that fails makes the evaluation raise its error, and nothing is printed."""
    from agno_lite.exceptions import ModelResponseError

    server = serve_model(faults=[Fault(status=500)] * 3)
    agent = Agent(model=OpenAIChat("m", base_url=server.url, max_retries=0))
    evaluation = PerformanceEval(lambda: agent.run("Hello!"), print_results=True, print_summary=True)
    with pytest.raises(ModelResponseError) as caught:
        evaluation.run()
    assert caught.value.__notes__ == ["in iteration 1 of 10 of the warm-up pass"]
    assert capsys.readouterr().out == ""


def test_a_tally_counts_its_kind_watched_or_not() -> None:
    """A tally counts spans of its kind only, on all threads, while it is entered."""
    kept: list[Span] = []

    class Keeping:
        def on_start(self, span: Span) -> None:
            kept.append(span)

        def on_end(self, span: Span) -> None:
            """Nothing to do."""

    async def spans() -> None:
        for kind in (semconv.CHAT, semconv.DATABASE, semconv.CHAT):
            with span(kind):
                await asyncio.to_thread(lambda: span(semconv.CHAT))

    watcher = Keeping()
    with Tally(semconv.CHAT) as outer:
        with Tally(semconv.DATABASE) as inner:
            asyncio.run(spans())
        add_watcher(watcher)
        try:
            asyncio.run(spans())
        finally:
            remove_watcher(watcher)
    asyncio.run(spans())
    assert (outer.total, inner.total) == (10, 1)
    assert len(kept) == 3


def test_evaluations_are_seen_by_watchers(make_agent: MakeAgent) -> None:
    """Spans tell evaluation, passes, iterations and what ran inside them; the first holds the result."""
    agent, _ = make_agent()
    kept: list[Span] = []

    class Keeping:
        def on_start(self, span: Span) -> None:
            """Nothing to do."""

        def on_end(self, span: Span) -> None:
            kept.append(span)

    watcher = Keeping()
    add_watcher(watcher)
    try:
        result = measure(lambda: agent.run("Hello!"), name="Greeting", warmup_runs=1)
    finally:
        remove_watcher(watcher)
    evaluation = kept[-1]
    assert evaluation.name == "agno_lite.evaluate Greeting"
    assert evaluation.attributes[semconv.EVALUATION_RESULT] == result.to_dict()
    passes = [one.name.partition(" ")[2] for one in kept if one.parent is evaluation]
    assert passes == ["warm-up", "runtime", "memory"]
    iterations = [one for one in kept if one.kind == semconv.ITERATION]
    assert [one.name[-1] for one in iterations] == ["1", "1", "2", "1", "2"]
    assert [one.parent for one in kept if one.kind == semconv.INVOKE_AGENT] == iterations
