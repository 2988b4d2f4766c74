"""What an evaluation found: figures of each iteration, and statistics over them."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from collections.abc import Sequence

MIB = 1024 * 1024
"""Bytes of a MiB (IEC 80000-13)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A sample of figures in a few numbers, in the unit of the figures."""

    mean: float
    """Their sum, divided by how many there are."""
    minimum: float
    """The smallest."""
    maximum: float
    """The largest."""
    standard_deviation: float
    """How far they lie from the mean, of a sample (division by n - 1); 0 of a single figure."""
    median: float
    """The one in the middle, or the mean of the two in the middle."""
    percentile_95: float
    """Where 95 % lie below: linear between the two nearest figures, the smallest being at 0 % and the largest
    at 100 % (method `inclusive` of `statistics.quantiles`; type 7 of Hyndman and Fan, 1996)."""

    @classmethod
    def of(cls, figures: Sequence[float]) -> Statistics | None:
        """Statistics over some figures; `None` if there are none."""
        if not figures:
            return None
        several = len(figures) > 1
        return cls(
            mean=statistics.fmean(figures),
            minimum=min(figures),
            maximum=max(figures),
            standard_deviation=statistics.stdev(figures) if several else 0.0,
            median=statistics.median(figures),
            percentile_95=(
                statistics.quantiles(figures, n=20, method="inclusive")[-1] if several else figures[0]
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationGrowth:
    """A line of code whose allocations grew."""

    file: str
    """Its file: relative to where its package is or, of no module, to the current directory if inside."""
    line: int
    """1-based line."""
    size: int
    """How many bytes more it holds than before."""
    count: int
    """How many blocks of memory more; negative if they became fewer and larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryGrowth:
    """What one iteration left in memory: two snapshots, before it and after it, garbage collected in both."""

    iteration: int
    """Its number, from 1."""
    size: int
    """Bytes of all lines together; negative if it freed more than it left."""
    lines: tuple[AllocationGrowth, ...]
    """The lines that grew most, the largest first."""


class _Figure:
    """One of the statistics under Agno's name; `None` if there are no figures."""

    def __init__(self, sample: str, statistic: str) -> None:
        self._sample = sample
        self._statistic = statistic

    @overload
    def __get__(self, result: None, owner: type) -> _Figure: ...

    @overload
    def __get__(self, result: PerformanceResult, owner: type) -> float | None: ...

    def __get__(self, result: PerformanceResult | None, owner: type) -> _Figure | float | None:
        if result is None:
            return self
        return getattr(getattr(result, self._sample), self._statistic, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceResult:
    """What an evaluation found. Each pass has a figure for each iteration, or none if it was not made."""

    eval_id: str
    """Id of the evaluation's run; its row in the database has the same."""
    name: str
    """What was evaluated."""
    run_times: tuple[float, ...] = ()
    """Seconds that each iteration of the runtime pass took."""
    run_requests: tuple[int, ...] = ()
    """Model requests that each iteration of the runtime pass made."""
    memory_usages: tuple[float, ...] = ()
    """MiB that each iteration of the memory pass held at its peak, above what was there before; Python's own
    allocations in all threads, less what an empty function takes."""
    memory_requests: tuple[int, ...] = ()
    """Model requests that each iteration of the memory pass made."""
    growth: tuple[MemoryGrowth, ...] = ()
    """What each iteration of the memory pass left in memory, if growth was tracked."""

    avg_run_time = _Figure("runtime", "mean")
    min_run_time = _Figure("runtime", "minimum")
    max_run_time = _Figure("runtime", "maximum")
    std_dev_run_time = _Figure("runtime", "standard_deviation")
    median_run_time = _Figure("runtime", "median")
    p95_run_time = _Figure("runtime", "percentile_95")
    avg_memory_usage = _Figure("memory", "mean")
    min_memory_usage = _Figure("memory", "minimum")
    max_memory_usage = _Figure("memory", "maximum")
    std_dev_memory_usage = _Figure("memory", "standard_deviation")
    median_memory_usage = _Figure("memory", "median")
    p95_memory_usage = _Figure("memory", "percentile_95")

    @property
    def runtime(self) -> Statistics | None:
        """Statistics over `run_times`, in seconds; `None` if run times were not measured."""
        return Statistics.of(self.run_times)

    @property
    def memory(self) -> Statistics | None:
        """Statistics over `memory_usages`, in MiB; `None` if memory was not measured."""
        return Statistics.of(self.memory_usages)

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain data: fields, and statistics under `runtime` and `memory`."""
        found = {"runtime": self.runtime, "memory": self.memory}
        return asdict(self) | {name: asdict(known) if known else None for name, known in found.items()}

    def print_results(self) -> None:
        """Print the figures of each iteration to standard output."""
        from agno_lite.eval.printing import print_results

        print_results(self)

    def print_summary(self) -> None:
        """Print the statistics to standard output."""
        from agno_lite.eval.printing import print_summary

        print_summary(self)

    def print_growth(self) -> None:
        """Print to standard output what each iteration left in memory, by line."""
        from agno_lite.eval.printing import print_growth

        print_growth(self)
