"""How long a function takes and how much memory it needs."""

from __future__ import annotations

import inspect
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from agno_lite.db.schemas import EvalRunRecord
from agno_lite.eval.measuring import Subject, alone, baseline
from agno_lite.eval.meters import Clock, MemoryMeter, Meter
from agno_lite.eval.result import MIB, PerformanceResult
from agno_lite.exceptions import ConfigurationError
from agno_lite.tracing import semconv, span

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from agno_lite.db.base import BaseDb
    from agno_lite.eval.progress import Progress

__all__ = ["PerformanceEval", "PerformanceResult"]

T = TypeVar("T")

_SETTINGS = (
    "num_iterations",
    "warmup_runs",
    "measure_runtime",
    "measure_memory",
    "memory_growth_tracking",
    "top_n_memory_allocations",
    "expect_requests",
)
"""What is stored of an evaluation beside its figures."""


@dataclass(slots=True, eq=False)
class PerformanceEval:
    """Measures a function: how long it takes, how much memory it needs, and what it leaves in memory.

    The function is called in up to three passes: to warm up, for run times, and for memory, since tracing
    memory costs time. It takes no arguments. Whatever it raises ends the evaluation and is raised, with a
    note that names pass and iteration. So does work that it asked for and left undone: a coroutine that
    nobody awaited, a stream that nobody read. The result holds how often each call asked a model.

    Raises:
        ConfigurationError: settings that contradict each other, or numbers too small.
    """

    func: Callable[[], Any]
    """The function. An asynchronous one is measured by `arun`."""
    _: KW_ONLY
    name: str | None = None
    """What the evaluation is called; the function's name if it is not given."""
    eval_id: str | None = None
    """Id under which the result is stored; a fresh one for each run if it is not given."""
    num_iterations: int = 50
    """How often the function is called in each pass that measures."""
    warmup_runs: int = 10
    """How often the function is called before, unmeasured."""
    measure_runtime: bool = True
    """Whether to make the runtime pass."""
    measure_memory: bool = True
    """Whether to make the memory pass: the peak of Python's allocations, by `tracemalloc`."""
    memory_growth_tracking: bool = False
    """Whether the memory pass also compares snapshots before and after each call, and prints by line what the
    call left in memory."""
    top_n_memory_allocations: int = 5
    """How many lines to keep for each call, those that grew most."""
    expect_requests: bool | None = None
    """Whether each call has to ask a model (True) or must not (False). If it is not said, a call has to that
    begins the run of an agent."""
    debug_mode: bool = False
    """Whether to print each figure to standard error as soon as it is there."""
    print_results: bool = False
    """Whether to print the figures of each iteration in the end."""
    print_summary: bool = False
    """Whether to print statistics in the end."""
    db: BaseDb | None = None
    """Where results are stored; nowhere without one."""

    def __post_init__(self) -> None:
        for name, least in (("num_iterations", 1), ("warmup_runs", 0), ("top_n_memory_allocations", 1)):
            if getattr(self, name) < least:
                raise ConfigurationError(
                    f"PerformanceEval: {name} is {getattr(self, name)!r}, expected {least} or more"
                )
        if not (self.measure_runtime or self.measure_memory):
            raise ConfigurationError(
                "PerformanceEval: measure_runtime and measure_memory are both False, which leaves nothing "
                "to measure; set one to True"
            )
        if self.memory_growth_tracking and not self.measure_memory:
            raise ConfigurationError(
                "PerformanceEval: memory_growth_tracking=True needs measure_memory=True, got False"
            )

    def run(self, *, print_summary: bool = False, print_results: bool = False) -> PerformanceResult:
        """Measure a synchronous function.

        Args:
            print_summary: whether to print statistics, also if the evaluation's own setting says no.
            print_results: whether to print the figures of each iteration, also if the setting says no.

        Raises:
            ConfigurationError: the function is asynchronous, or another evaluation is running.
            EvaluationError: the function left work undone, or did not ask a model where it should have.
        """
        if _asynchronous(self.func):
            raise ConfigurationError(
                f"PerformanceEval.run: {self._subject(awaits=False).name} is asynchronous; await "
                "`arun()` in place of `run()`"
            )
        result = _finished(self._evaluate(awaits=False))
        self._print(result, summary=print_summary, results=print_results)
        if self.db is not None:
            self.db.save_eval_run(self._record(result))
        return result

    async def arun(self, *, print_summary: bool = False, print_results: bool = False) -> PerformanceResult:
        """Measure an asynchronous function on the running event loop; a synchronous one is just called.

        Arguments and errors are those of `run`. Whatever else the loop does meanwhile is in the figures.
        """
        result = await self._evaluate(awaits=True)
        self._print(result, summary=print_summary, results=print_results)
        if self.db is not None:
            await self.db.offload(self.db.save_eval_run, self._record(result))
        return result

    async def _evaluate(self, *, awaits: bool) -> PerformanceResult:
        """Make all passes. Without `awaits` it never suspends."""
        from agno_lite.eval.progress import Progress

        subject = self._subject(awaits=awaits)
        with (
            alone(),
            span(semconv.EVALUATE, self.name or subject.name) as evaluation,
            Progress(debug=self.debug_mode) as progress,
        ):
            measured = await self._passes(subject, progress)
            result = PerformanceResult(
                eval_id=self.eval_id or str(uuid4()), name=self.name or subject.name, **measured
            )
            evaluation.set(semconv.EVALUATION_RESULT, result.to_dict())
        return result

    async def _passes(self, subject: Subject, progress: Progress) -> dict[str, Any]:
        """Make the passes that are wanted, and give their figures as fields of the result."""
        measured: dict[str, Any] = {}
        if self.warmup_runs:
            await subject.measure("warm-up", self.warmup_runs, Meter(), progress)
        if self.measure_runtime:
            clock = Clock()
            requests = await subject.measure("runtime", self.num_iterations, clock, progress)
            measured |= {"run_times": tuple(clock.seconds), "run_requests": requests}
        if self.measure_memory:
            empty = await baseline(awaits=subject.awaits)
            memory = MemoryMeter(self.top_n_memory_allocations if self.memory_growth_tracking else 0)
            requests = await subject.measure("memory", self.num_iterations, memory, progress)
            usages = tuple(max(0, peak - empty) / MIB for peak in memory.peaks)
            measured |= {
                "memory_usages": usages,
                "memory_requests": requests,
                "growth": tuple(memory.growth),
            }
        return measured

    def _subject(self, *, awaits: bool) -> Subject:
        return Subject(self.func, awaits, self.expect_requests)

    def _print(self, result: PerformanceResult, *, summary: bool, results: bool) -> None:
        if results or self.print_results:
            result.print_results()
        if self.memory_growth_tracking:
            result.print_growth()
        if summary or self.print_summary:
            result.print_summary()

    def _record(self, result: PerformanceResult) -> EvalRunRecord:
        """A result as it is stored."""
        return EvalRunRecord(
            run_id=result.eval_id,
            name=result.name,
            eval_type="performance",
            eval_data=result.to_dict(),
            eval_input={name: getattr(self, name) for name in _SETTINGS},
            evaluated_component_name=self._subject(awaits=False).name,
        )


def _asynchronous(func: Callable[[], Any]) -> bool:
    """Whether calling a function gives a coroutine, as far as can be told without calling it."""
    while isinstance(func, partial):
        func = func.func
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004


def _finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine gives that never suspends. No event loop is needed, nor disturbed."""
    try:
        coroutine.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    coroutine.close()
    raise AssertionError("a synchronous evaluation waited for something")
