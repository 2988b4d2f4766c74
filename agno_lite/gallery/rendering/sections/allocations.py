"""The lines of code that hold more memory after an iteration than before, linked to where they are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import code, shortened
from agno_lite.gallery.rendering.figures import KIB, Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import Allocation, Growth
    from agno_lite.gallery.rendering.edition import Context

COLUMNS = 6
"""Iterations with a column each at most; more are counted."""
ROWS = 25
"""Lines named at most."""
_SHOWN = 70
"""Characters of a line."""
_NONE = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of code, and its allocations by position of the iteration."""

    allocations: dict[int, Allocation]

    @property
    def sizes(self) -> list[int]:
        return [found.size for found in self.allocations.values()]

    @property
    def total(self) -> int:
        return sum(self.sizes)


def allocations(context: Context, growth: Sequence[Growth]) -> dict[str, object] | None:
    """Tables of the first iteration's lines, and of those after it; `None` if no line was noted."""
    if not any(one.lines for one in growth):
        return None
    lines = _merged(growth[1:])
    return {
        "later": _later(context, lines[:ROWS], len(growth) - 1) if lines else None,
        "left_out": len(lines[ROWS:]),
        "first": _first(context, growth[0].lines),
    }


def _merged(growth: Sequence[Growth]) -> list[_Line]:
    """Lines with what each iteration added, those that grew most in all first."""
    found: dict[tuple[str, int, str, str], dict[int, Allocation]] = {}
    for position, one in enumerate(growth):
        for line in one.lines:
            found.setdefault((line.path, line.line, line.function, line.text), {})[position] = line
    lines = [_Line(allocations=by_iteration) for by_iteration in found.values()]
    return sorted(lines, key=lambda line: -line.total)


def _later(context: Context, lines: list[_Line], iterations: int) -> dict[str, object]:
    """A column for each iteration or, of many, in how many the line grew and how much at most."""
    scale = _scale([size for line in lines for size in line.sizes])
    each = range(iterations) if iterations <= COLUMNS else range(0)
    heads = [context.say("No. %(number)d", number=position + 2) for position in each]
    if not each:
        heads = [context.say("Iterations"), context.say("Most")]
    rows = []
    for line in lines:
        cells = [
            scale.number(line.allocations[position].size / KIB) if position in line.allocations else _NONE
            for position in each
        ]
        if not each:
            often = context.say("%(times)d of %(all)d", times=len(line.sizes), all=iterations)
            cells = [often, scale.number(max(line.sizes) / KIB)]
        named = _named(context, next(iter(line.allocations.values())))
        rows.append([named, *cells, scale.number(line.total / KIB)])
    return {
        "head": [context.say("Line"), *heads, context.say("Together")],
        "rows": rows,
        "dashes": any(_NONE in row for row in rows),
    }


def _first(context: Context, lines: Sequence[Allocation]) -> dict[str, object]:
    scale = _scale([line.size for line in lines])
    head = [context.say("Line"), context.say("Growth (KiB)"), context.say("Blocks")]
    rows = [[_named(context, line), scale.number(line.size / KIB), f"{line.count:+,}"] for line in lines]
    return {"head": head, "rows": rows}


def _scale(sizes: list[int]) -> Scale:
    return Scale.of([size / KIB for size in sizes], "KiB", signed=True)


def _named(context: Context, line: Allocation) -> str:
    """Where the line is now, its function, and what stood on it."""
    if not line.text:
        return code(f"{line.path}:{line.line}")
    place = context.edition.locate(line)
    shown = code(f"{line.path}:{place.line}" if place and place.exact else line.path)
    address = context.links.source(place.path, place.line) if place else ""
    parts = [f"[{shown}]({address})" if place else shown, code(line.function) if line.function else ""]
    return f"{' '.join(part for part in parts if part)}<br>{code(shortened(line.text, _SHOWN))}"
