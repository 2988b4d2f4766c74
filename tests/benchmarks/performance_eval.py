"""Does counting model requests, or watching spans, show in the memory that an evaluation measures?

Measures one run of an agent with the built-in model in four ways, in turn: bare `tracemalloc` without any of
the package's measuring; the same with tallies; `PerformanceEval`; `PerformanceEval` with a watcher that keeps
every span. Prints median and quartiles of each, and what each adds to the first. Tallies are to lie within
the first one's spread, the evaluation about a hundredth above it at most; the watcher is there to show what
counting by tallies avoids.

Run it by hand: `python tests/benchmarks/performance_eval.py`. It needs no key and no server.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import statistics
import tracemalloc
from contextlib import ExitStack
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agno_lite.agent import Agent
from agno_lite.db.in_memory import InMemoryDb
from agno_lite.eval.performance import PerformanceEval
from agno_lite.models.openai import OpenAIChat
from agno_lite.tracing import Tally, add_watcher, remove_watcher, semconv

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agno_lite.tracing import Span

    Way = Callable[[], Awaitable[float]]

_KIB = 1024


class Keeping:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def on_start(self, span: Span) -> None:
        """Keep the span."""
        self.spans.append(span)

    def on_end(self, span: Span) -> None:
        """It is kept already."""


async def talk() -> None:
    """Three users at once, each with an answer and a memory update, on a database of their own."""
    agent = Agent(model=OpenAIChat("benchmark"), db=InMemoryDb(), update_memory_on_run=True)
    await asyncio.gather(*(agent.arun("I like tea.", user_id=f"user{number}") for number in range(3)))


async def bare(*, tallies: bool = False) -> float:
    """Bytes at the peak, by nothing but `tracemalloc`."""
    gc.collect()
    with ExitStack() as counting:
        if tallies:
            counting.enter_context(Tally(semconv.INVOKE_AGENT))
            counting.enter_context(Tally(semconv.CHAT))
        tracemalloc.start()
        try:
            await talk()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


async def tallied() -> float:
    """The same, with model requests and runs counted."""
    return await bare(tallies=True)


async def evaluated() -> float:
    """Bytes at the peak, by an evaluation."""
    evaluation = PerformanceEval(talk, num_iterations=1, warmup_runs=0, measure_runtime=False)
    (usage,) = (await evaluation.arun()).memory_usages
    return usage * _KIB * _KIB


async def watched() -> float:
    """The same, with every span kept."""
    watcher = Keeping()
    add_watcher(watcher)
    try:
        return await evaluated()
    finally:
        remove_watcher(watcher)


WAYS: dict[str, Way] = {
    "tracemalloc alone": bare,
    "with tallies": tallied,
    "PerformanceEval": evaluated,
    "PerformanceEval, spans kept": watched,
}


async def compare(rounds: int) -> dict[str, list[float]]:
    """KiB of each way, measured in turn so that drift meets all of them alike."""
    figures: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(3):
        await talk()
    for _ in range(rounds):
        for name, way in WAYS.items():
            figures[name].append(await way() / _KIB)
    return figures


def report(figures: dict[str, list[float]]) -> Table:
    """Median, quartiles and difference of each way."""
    table = Table("Way", title="Memory at the peak of one call (KiB)", title_justify="left")
    for heading in ("Lower quartile", "Median", "Upper quartile", "Median above the first"):
        table.add_column(heading, justify="right")
    first = statistics.median(figures["tracemalloc alone"])
    for name, values in figures.items():
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        table.add_row(name, f"{lower:.1f}", f"{median:.1f}", f"{upper:.1f}", f"{median - first:+.1f}")
    return table


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=int, default=40, help="how often each way is measured (default: 40, at least 2)"
    )
    rounds = max(2, parser.parse_args().rounds)
    os.environ["AGNO_LITE_OFFLINE"] = "1"
    Console().print(report(asyncio.run(compare(rounds))))


if __name__ == "__main__":
    main()
