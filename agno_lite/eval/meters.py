"""What is measured of a call: time, memory and its growth, or nothing."""

from __future__ import annotations

import gc
import os
import sys
import time
import tracemalloc
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import agno_lite
from agno_lite.eval.result import AllocationGrowth, MemoryGrowth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_PACKAGE = Path(agno_lite.__file__).parent
_OBSERVERS = (
    tracemalloc.__file__,
    *(f"{_PACKAGE / name}{os.sep}" for name in ("eval", "tracing")),
)
"""Leave out the lines that watch: an evaluation is not to document its observers."""


class Meter:
    """Measures nothing: for calls that only warm up.

    It is entered for a pass. For each call `start` comes last before it, `stop` first after it, and
    `settle` when what it returned is dropped.
    """

    def __enter__(self) -> Meter:
        gc.collect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None

    def start(self) -> None:
        """The call is about to begin."""

    def stop(self) -> None:
        """The call has ended."""

    def settle(self) -> None:
        """Nothing of the call is held any more, except by itself."""

    def latest(self) -> str:
        """The figure of the last call, for people; empty if there is none."""
        return ""


class Clock(Meter):
    """Measures how long calls take. Garbage is collected before the pass; within it, as always, at need."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        """Seconds of each call, by `time.perf_counter_ns`."""
        self._began = 0

    def start(self) -> None:
        """Begin to measure."""
        self._began = time.perf_counter_ns()

    def stop(self) -> None:
        """Note the time since `start`."""
        ended = time.perf_counter_ns()
        self.seconds.append((ended - self._began) / 1e9)

    def latest(self) -> str:
        """The last call's time."""
        return f"{self.seconds[-1]:.6f} s"


class MemoryMeter(Meter):
    """Measures the peak of Python's allocations during calls and, if wanted, what calls leave behind.

    Tracing goes on for the whole pass, so that snapshots can be compared. Who traced before traces after:
    then tracing is not ended, and only its peak is set back.

    Args:
        top: how many lines to keep of what each call leaves behind; 0 takes no snapshots.
    """

    def __init__(self, top: int = 0) -> None:
        self.peaks: list[int] = []
        """Bytes at each call's peak, above what was traced before it."""
        self.growth: list[MemoryGrowth] = []
        """What each call left behind."""
        self._top = top
        self._level = 0
        self._before: tracemalloc.Snapshot | None = None
        self._tracing_is_ours = False

    def __enter__(self) -> MemoryMeter:
        super().__enter__()
        self._tracing_is_ours = not tracemalloc.is_tracing()
        if self._tracing_is_ours:
            tracemalloc.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._tracing_is_ours:
            tracemalloc.stop()

    def start(self) -> None:
        """Collect garbage and begin to measure."""
        gc.collect()
        if self._top:
            self._before = tracemalloc.take_snapshot()
        tracemalloc.reset_peak()
        self._level = tracemalloc.get_traced_memory()[0]

    def stop(self) -> None:
        """Note the peak since `start`."""
        peak = tracemalloc.get_traced_memory()[1] - self._level
        self.peaks.append(peak)
        # An old level that went when a new one came would lower the next peak by its own size.
        self._level = 0

    def settle(self) -> None:
        """Collect garbage, and note what is left of the call."""
        if self._before is None:
            return
        gc.collect()
        after = tracemalloc.take_snapshot()
        self.growth.append(_growth(self._before, after, iteration=len(self.peaks), top=self._top))
        self._before = None

    def latest(self) -> str:
        """The last call's peak."""
        return f"{self.peaks[-1]:,} bytes at the peak"


def _growth(
    before: tracemalloc.Snapshot, after: tracemalloc.Snapshot, *, iteration: int, top: int
) -> MemoryGrowth:
    """What two snapshots differ in, by line."""
    # Lines are left out after they are added up: `filter_traces` would look at each of the many allocations.
    changed = after.compare_to(before, "lineno")
    lines = [line for line in changed if not line.traceback[0].filename.startswith(_OBSERVERS)]
    largest = sorted((line for line in lines if line.size_diff > 0), key=lambda line: -line.size_diff)[:top]
    modules = loaded_modules()
    return MemoryGrowth(
        iteration=iteration,
        size=sum(line.size_diff for line in lines),
        lines=tuple(
            AllocationGrowth(
                file=readable_path(line.traceback[0].filename, modules),
                line=line.traceback[0].lineno,
                size=line.size_diff,
                count=line.count_diff,
            )
            for line in largest
        ),
    )


def readable_path(name: str, modules: Mapping[str, str]) -> str:
    """A source file's name for people: relative to where its package is, or to the current directory.

    What is in neither, or is no file at all (`<string>`), keeps its name.

    Args:
        name: the file.
        modules: names of modules by file, see `loaded_modules`.
    """
    path = Path(name)
    if name in modules:
        package = modules[name].split(".")[: None if path.stem == "__init__" else -1]
        return "/".join((*package, path.name))
    here = Path.cwd()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else name


def loaded_modules() -> dict[str, str]:
    """The names of all imported modules by file, without the script that was started. Opens no file."""
    # What stands there may be anything: some packages put objects of their own among the modules.
    loaded: dict[str, object] = {**sys.modules, "__main__": None}
    named = {name: vars(module) for name, module in loaded.items() if isinstance(module, ModuleType)}
    return {known["__file__"]: name for name, known in named.items() if known.get("__file__")}
