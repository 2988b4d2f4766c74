"""Calls a function under measure, again and again, and does not take its word for what it did."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agno_lite.eval.meters import MemoryMeter
from agno_lite.eval.unfinished import dropped_work, unfinished
from agno_lite.exceptions import ConfigurationError, EvaluationError
from agno_lite.tracing import Tally, semconv, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from agno_lite.eval.meters import Meter
    from agno_lite.eval.progress import Progress

_BASELINE_CALLS = 3
"""How often an empty function is measured. The first call may also allocate what later ones find."""

_measuring = threading.Lock()


@contextmanager
def alone() -> Iterator[None]:
    """Let no other evaluation measure meanwhile: memory is traced for the whole process.

    Raises:
        ConfigurationError: another one is at it.
    """
    if not _measuring.acquire(blocking=False):
        raise ConfigurationError(
            "another evaluation is running in this process, and each would be in the other's figures; "
            "run one after the other"
        )
    try:
        yield
    finally:
        _measuring.release()


@dataclass(frozen=True, slots=True)
class Subject:
    """A function under measure."""

    func: Callable[[], Any]
    """The function."""
    awaits: bool
    """Whether what it returns is awaited."""
    expect_requests: bool | None = None
    """Whether each call has to ask a model, must not, or only has to if it begins a run."""

    @property
    def name(self) -> str:
        """What the function is called."""
        return getattr(self.func, "__qualname__", None) or repr(self.func)

    async def measure(self, title: str, iterations: int, meter: Meter, progress: Progress) -> tuple[int, ...]:
        """Make one pass. Without `awaits` it never suspends.

        Args:
            title: what the pass is called.
            iterations: how often to call the function.
            meter: what to measure of each call.
            progress: is told of each call.

        Returns:
            The number of model requests of each call.

        Raises:
            EvaluationError: a call left work undone, or did not ask a model where it should have.
            BaseException: whatever the function raised, with a note that names the call.
        """
        requests: list[int] = []
        progress.begin(title, iterations)
        # The meter collects garbage first: what was dropped before the pass is not this function's doing.
        with span(semconv.MEASURE, title), meter, dropped_work() as dropped:
            for number in range(1, iterations + 1):
                place = f"in iteration {number} of {iterations} of the {title} pass"
                with _Noted(place), span(semconv.ITERATION, str(number)):
                    requests.append(await self.call(meter))
                    self._refuse_dropped(dropped)
                progress.advance(title, number, iterations, meter.latest())
            gc.collect()
            self._refuse_dropped(dropped)
        return tuple(requests)

    async def call(self, meter: Meter) -> int:
        """Call the function once, and give the number of its model requests.

        The requests are counted by tallies, which keep nothing: watching spans would show in the figures.
        """
        with Tally(semconv.INVOKE_AGENT) as runs, Tally(semconv.CHAT) as requests:
            meter.start()
            outcome = self.func()
            if self.awaits and hasattr(outcome, "__await__"):
                outcome = await outcome
            meter.stop()
        left = unfinished(outcome)
        # Dropped here, not with the error's traceback: its own warning then comes while it is listened for.
        del outcome
        if left is not None:
            raise EvaluationError(f"{self.name}() returned {left}. Its figures would be those of no work.")
        self._check_requests(runs.total, requests.total)
        meter.settle()
        return requests.total

    def _check_requests(self, runs: int, requests: int) -> None:
        """Refuse a call that asked a model though it must not, or asked none though it should have."""
        if self.expect_requests is False and requests:
            raise EvaluationError(
                f"{self.name}() asked a model {requests} times, expected never: expect_requests is False"
            )
        if requests or self.expect_requests is False:
            return
        if self.expect_requests:
            raise EvaluationError(
                f"{self.name}() asked no model, expected a request at least: expect_requests is True. "
                "Its figures would be those of no work."
            )
        if runs:
            raise EvaluationError(
                f"{self.name}() began {runs} runs, and none asked a model: read streams to their end, and "
                "let errors of runs be raised. Its figures would be those of no work."
            )

    def _refuse_dropped(self, dropped: list[str]) -> None:
        if dropped:
            raise EvaluationError(
                f"{self.name}() left work undone: {'; '.join(dict.fromkeys(dropped))}. Await coroutines and "
                "read streams to their end. Its figures would be those of no work."
            )


class _Noted:
    """Adds a note to whatever error leaves it."""

    def __init__(self, note: str) -> None:
        self._note = note

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(self._note)


async def baseline(*, awaits: bool) -> int:
    """Bytes that an empty function of the same kind takes at its peak."""
    meter = MemoryMeter()
    empty = Subject(_empty_async if awaits else _empty, awaits)
    with meter:
        for _ in range(_BASELINE_CALLS):
            await empty.call(meter)
    return min(meter.peaks)


def _empty() -> None:
    """Do nothing."""


async def _empty_async() -> None:
    """Do nothing."""
