"""Prints what an evaluation found, in tables that fit 100 columns.

Units never change with the figures: seconds and MiB with six decimals, which are microseconds and about
bytes; growth in KiB.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from agno_lite.eval.result import PerformanceResult

_KIB = 1024
_RUN_TIME = "Run time (s)"
_MEMORY = "Memory (MiB)"
_ROWS = {
    "Mean": "mean",
    "Minimum": "minimum",
    "Maximum": "maximum",
    "Standard deviation": "standard_deviation",
    "Median": "median",
    "95th percentile": "percentile_95",
}


def print_results(result: PerformanceResult) -> None:
    """Print run time, memory and number of model requests of each iteration."""
    columns = _columns(result)
    table = _table(f"{result.name}: iterations", "Iteration", *(name for name, _ in columns))
    for number, cells in enumerate(zip_longest(*(cells for _, cells in columns), fillvalue=""), start=1):
        table.add_row(str(number), *cells)
    Console().print(table)


def _columns(result: PerformanceResult) -> list[tuple[str, list[str]]]:
    """Heading and cells of each pass that was made: its figures, and the requests made for them."""
    passes = (
        (_RUN_TIME, result.run_times, result.run_requests),
        (_MEMORY, result.memory_usages, result.memory_requests),
    )
    columns = []
    for heading, figures, requests in passes:
        if figures:
            columns.append((heading, [f"{figure:.6f}" for figure in figures]))
            columns.append(("Model requests", [str(number) for number in requests]))
    return columns


def print_summary(result: PerformanceResult) -> None:
    """Print statistics over all iterations, and how many model requests the figures stand for."""
    samples = {
        _RUN_TIME: (result.runtime, result.run_requests),
        _MEMORY: (result.memory, result.memory_requests),
    }
    known = {heading: pair for heading, pair in samples.items() if pair[0] is not None}
    table = _table(f"{result.name}: summary", "", *known)
    for heading, name in _ROWS.items():
        table.add_row(heading, *(f"{getattr(sample, name):.6f}" for sample, _ in known.values()))
    table.add_section()
    table.add_row("Model requests in all", *(str(sum(requests)) for _, requests in known.values()))
    Console().print(table)


def print_growth(result: PerformanceResult) -> None:
    """Print, for each iteration, what it left in memory and the lines that it came from."""
    table = _table(f"{result.name}: memory growth", "Iteration", "Growth (KiB)", "Blocks")
    table.add_column("Line", overflow="fold")
    for growth in result.growth:
        table.add_row(str(growth.iteration), _signed(growth.size), "", Text("all lines", style="italic"))
        for line in growth.lines:
            table.add_row("", _signed(line.size), f"{line.count:+}", Text(f"{line.file}:{line.line}"))
        table.add_section()
    Console().print(table)


def _signed(size: int) -> str:
    return f"{size / _KIB:+.1f}"


def _table(title: str, first: str, *numbers: str) -> Table:
    """An empty table: a column of names, and columns of numbers."""
    table = Table(title=Text(title), title_justify="left")
    table.add_column(first, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table
