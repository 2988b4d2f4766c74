"""Passes: which are made, how often the function is called, what is measured, and what stays as it was."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
import tracemalloc
import warnings
from functools import partial
from typing import Any

import pytest

from agno_lite.db.in_memory import InMemoryDb
from agno_lite.eval.performance import PerformanceEval
from agno_lite.exceptions import ConfigurationError

MIB = 1024 * 1024


class Counting:
    """A function that counts its calls and notes whether memory was traced."""

    def __init__(self) -> None:
        self.traced: list[bool] = []

    def __call__(self) -> None:
        """Note one call."""
        self.traced.append(tracemalloc.is_tracing())


class CountingAsync(Counting):
    """The same, asynchronous."""

    async def __call__(self) -> None:  # type: ignore[override]
        """Note one call, after others had their turn."""
        await asyncio.sleep(0)
        super().__call__()


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ({}, "wwrrrmmm"),
        ({"warmup_runs": 0}, "rrrmmm"),
        ({"measure_runtime": False}, "wwmmm"),
        ({"measure_memory": False}, "wwrrr"),
        ({"memory_growth_tracking": True}, "wwrrrmmm"),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_pass_calls_the_function_as_often_as_asked(
    settings: dict[str, Any], calls: str, asynchronous: bool
) -> None:
    """Warm-up, runtime and memory are separate passes, and memory is traced in the last alone."""
    function = CountingAsync() if asynchronous else Counting()
    evaluation = PerformanceEval(function, **{"num_iterations": 3, "warmup_runs": 2, **settings})
    result = asyncio.run(evaluation.arun()) if asynchronous else evaluation.run()
    assert function.traced == [kind == "m" for kind in calls]
    assert len(result.run_times) == len(result.run_requests) == calls.count("r")
    assert len(result.memory_usages) == len(result.memory_requests) == calls.count("m")
    assert len(result.growth) == (3 if "memory_growth_tracking" in settings else 0)


def test_defaults_are_agnos() -> None:
    """Without settings: 10 calls to warm up, 50 for run times, 50 for memory."""
    function = Counting()
    result = PerformanceEval(func=function, name="n").run()
    assert len(function.traced) == 10 + 50 + 50
    assert len(result.run_times) == len(result.memory_usages) == 50


def test_run_times_are_those_of_the_function() -> None:
    """A function that sleeps takes at least as long, in seconds."""
    evaluation = PerformanceEval(partial(time.sleep, 0.01), num_iterations=2, measure_memory=False)
    assert all(0.01 <= seconds < 10 for seconds in evaluation.run().run_times)


def holding() -> int:
    """Hold 3 MiB for a while."""
    return len(bytearray(3 * MIB))


async def holding_async() -> None:
    """Hold 1 MiB three times at once."""

    async def hold() -> None:
        held = bytearray(MIB)
        await asyncio.sleep(0.001)
        assert held

    await asyncio.gather(hold(), hold(), hold())


@pytest.mark.parametrize("growth", [False, True])
def test_memory_is_the_peak_in_mib(growth: bool) -> None:
    """What is held only for a while counts, what concurrent tasks hold together too; 3 MiB are 3.0."""
    settings: dict[str, Any] = {
        "num_iterations": 3,
        "measure_runtime": False,
        "memory_growth_tracking": growth,
    }
    for result in (
        PerformanceEval(holding, **settings).run(),
        asyncio.run(PerformanceEval(holding_async, **settings).arun()),
    ):
        assert result.memory_usages == pytest.approx((3.0,) * 3, abs=0.02)
        assert min(result.memory_usages) >= 3.0


def test_doing_nothing_takes_no_memory() -> None:
    """What an empty function takes is not counted, for either kind."""

    async def nothing() -> None:
        return None

    settings: dict[str, Any] = {"num_iterations": 5, "measure_runtime": False}
    for result in (
        PerformanceEval(lambda: None, **settings).run(),
        asyncio.run(PerformanceEval(nothing, **settings).arun()),
    ):
        assert all(0 <= usage * MIB < 200 for usage in result.memory_usages)


def test_garbage_of_earlier_calls_is_not_held_against_later_ones() -> None:
    """Cycles that one call leaves are collected before the next is measured."""

    def cyclic() -> None:
        cycle: list[Any] = [bytearray(MIB)]
        cycle.append(cycle)

    gc.disable()
    try:
        result = PerformanceEval(cyclic, num_iterations=3, measure_runtime=False).run()
    finally:
        gc.enable()
    assert all(usage < 1.05 for usage in result.memory_usages)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("title", "settings"),
    [
        ("warm-up", {"warmup_runs": 2}),
        ("runtime", {"measure_memory": False}),
        ("memory", {"measure_runtime": False}),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_of_the_function_ends_the_evaluation(
    title: str, settings: dict[str, Any], number: int, asynchronous: bool
) -> None:
    """The very error is raised, with a note that names pass and iteration, and tracing ends."""
    error, calls = LookupError("gone"), iter(range(1, 10))

    def failing() -> None:
        if next(calls) == number:
            raise error

    async def failing_async() -> None:
        failing()

    settings = {"num_iterations": 2, "warmup_runs": 0, **settings}
    evaluation = PerformanceEval(failing_async if asynchronous else failing, **settings)
    with pytest.raises(LookupError) as caught:
        _ = asyncio.run(evaluation.arun()) if asynchronous else evaluation.run()
    assert caught.value is error
    assert caught.value.__notes__ == [f"in iteration {number} of 2 of the {title} pass"]
    assert not tracemalloc.is_tracing()


def test_who_traced_before_traces_after() -> None:
    """Tracing that was on stays on, and what it knew is not forgotten."""
    tracemalloc.start(7)
    try:
        mine = bytearray(1000)
        PerformanceEval(holding, num_iterations=2, memory_growth_tracking=True).run()
        assert tracemalloc.is_tracing()
        assert tracemalloc.get_traceback_limit() == 7
        assert tracemalloc.get_object_traceback(mine) is not None
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("wrapped", [False, True])
def test_run_names_arun_for_asynchronous_functions(wrapped: bool) -> None:
    """An asynchronous function is refused by `run` before it is called."""
    function = CountingAsync()
    evaluation = PerformanceEval(partial(function) if wrapped else function, num_iterations=1)
    with pytest.raises(ConfigurationError, match="arun"):
        evaluation.run()
    assert function.traced == []


def test_arun_takes_synchronous_functions_and_what_gives_coroutines() -> None:
    """Inside an event loop both kinds can be measured, and a lambda around an asynchronous one."""
    plain, awaited = Counting(), CountingAsync()

    async def main() -> None:
        for function in (plain, lambda: awaited()):  # noqa: PLW0108 - a function that does not look asynchronous
            await PerformanceEval(function, num_iterations=1, warmup_runs=0).arun()
        PerformanceEval(plain, num_iterations=1, warmup_runs=0).run()

    asyncio.run(main())
    assert (len(plain.traced), len(awaited.traced)) == (4, 2)


def test_one_evaluation_at_a_time() -> None:
    """Evaluations that would measure each other are refused, and nothing stays locked."""

    def inner() -> None:
        PerformanceEval(Counting(), num_iterations=1).run()

    with pytest.raises(ConfigurationError, match="one after the other"):
        PerformanceEval(inner, num_iterations=1).run()
    inner()


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"num_iterations": 0}, "num_iterations"),
        ({"warmup_runs": -1}, "warmup_runs"),
        ({"top_n_memory_allocations": 0}, "top_n_memory_allocations"),
        ({"measure_runtime": False, "measure_memory": False}, "measure_memory"),
        ({"measure_memory": False, "memory_growth_tracking": True}, "memory_growth_tracking"),
    ],
)
def test_settings_that_measure_nothing_are_refused(settings: dict[str, Any], name: str) -> None:
    """A setting that cannot work is named when the evaluation is made."""
    with pytest.raises(ConfigurationError, match=name):
        PerformanceEval(Counting(), **settings)


def test_other_warnings_go_their_way() -> None:
    """Warnings of the function that are not of dropped work are neither shown twice nor kept back."""

    def warning() -> None:
        warnings.warn("mind the gap", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="mind the gap") as seen:
        PerformanceEval(warning, num_iterations=1, warmup_runs=0, measure_memory=False).run()
    assert len(seen) == 1


@pytest.mark.parametrize("asynchronous", [False, True])
def test_results_are_stored(asynchronous: bool) -> None:
    """A database gets each run: the figures as `to_dict` gives them, and the settings behind them."""
    db = InMemoryDb()
    function = CountingAsync() if asynchronous else Counting()
    evaluation = PerformanceEval(function, name="Counting", num_iterations=2, warmup_runs=1, db=db)
    results = [asyncio.run(evaluation.arun()) if asynchronous else evaluation.run() for _ in range(2)]
    last, first = db.get_eval_runs(eval_type="performance")
    assert [first.run_id, last.run_id] == [result.eval_id for result in results]
    assert len({first.run_id, last.run_id}) == 2
    assert last.eval_data == json.loads(json.dumps(results[1].to_dict()))
    assert (last.name, last.eval_type) == ("Counting", "performance")
    assert last.eval_input["num_iterations"] == 2
    assert last.eval_input["expect_requests"] is None


def test_an_id_that_is_given_is_used() -> None:
    """With `eval_id` the result is stored under it, and a repetition replaces it."""
    db = InMemoryDb()
    evaluation = PerformanceEval(holding, eval_id="e1", num_iterations=1, warmup_runs=0, db=db)
    assert evaluation.run().eval_id == evaluation.run().eval_id == "e1"
    (stored,) = db.get_eval_runs()
    assert (stored.run_id, stored.name, stored.evaluated_component_name) == ("e1", "holding", "holding")


def test_importing_is_light() -> None:
    """Neither `openai` nor `rich` nor `psycopg` is loaded before it is needed."""
    program = (
        "import sys, agno_lite.eval.performance; print([n for n in ('openai', 'rich', 'psycopg') "
        "if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
