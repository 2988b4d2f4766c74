"""Figures as horizontal bars: where each begins and ends, for a drawing of any width."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BARS = 24
"""Bars of a drawing at most. More figures are put together in groups."""
_LETTER = 2.8
"""Percent of the width that a letter takes on a narrow screen."""
_MOST = 31.0
"""Percent that texts on one side take at most."""
_CUT = 5
"""Figures beyond this many times the median are cut, so that the others can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar. Lengths are percent of the drawing's width."""

    first: int
    """Number of the first iteration that it stands for, from 1."""
    last: int
    """Number of the last one; the same if it stands for one alone."""
    value: float
    """The figure; of several iterations their mean."""
    text: str
    """The figure as it is written."""
    left: float
    """Where it begins on the left."""
    width: float
    """How long it is."""
    cut: bool
    """Whether it is too long to be drawn to scale."""

    @property
    def label(self) -> str:
        """Which iterations it stands for."""
        return _label(self.first, self.last)

    @property
    def right(self) -> float:
        """Where it ends."""
        return round(self.left + self.width, 3)

    @property
    def interruption(self) -> float:
        """Where it is shown to be cut: towards its far end."""
        return round(self.left + self.width * (0.15 if self.value < 0 else 0.85), 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars on a common scale."""

    labels: float
    """Where labels end, in percent of the width."""
    zero: float
    """Where the scale begins, in percent of the width; bars of negative figures lead to the left."""
    bars: tuple[Bar, ...]
    """From top to bottom."""

    @property
    def cut(self) -> bool:
        """Whether a bar is not drawn to scale."""
        return any(bar.cut for bar in self.bars)

    @property
    def grouped(self) -> int:
        """How many iterations a bar stands for, at most."""
        return max(bar.last - bar.first + 1 for bar in self.bars)


def chart(figures: Sequence[float], write: Callable[[float], str]) -> Chart:
    """Bars for the figures of iterations, of which there is one at least.

    The first iteration, which is often unlike the others, always has a bar of its own.

    Args:
        figures: one for each iteration.
        write: gives the text of a figure.
    """
    spans = _spans(len(figures))
    values = [statistics.fmean(figures[start:end]) for start, end in spans]
    limit = _limit(values)
    shown = [max(-limit, min(limit, value)) / limit if limit else 0.0 for value in values]
    least, most = min(0.0, *shown), max(0.0, *shown)
    labels = _room(_label(start + 1, end) for start, end in spans)
    before = labels + 1 + (_room(write(value) for value in values if value < 0) if least else 0)
    after = _room(write(value) for value in values if value >= 0)
    unit = (100 - before - after) / (most - least) if most > least else 0.0
    zero = before - least * unit
    return Chart(
        labels=round(labels, 3),
        zero=round(zero, 3),
        bars=tuple(
            Bar(
                first=start + 1,
                last=end,
                value=value,
                text=write(value),
                left=round(zero + min(0.0, share) * unit, 3),
                width=round(abs(share) * unit, 3),
                cut=abs(value) > limit,
            )
            for (start, end), value, share in zip(spans, values, shown, strict=True)
        ),
    )


def _label(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


def _room(texts: Iterable[str]) -> float:
    """Percent of the width for the longest of the texts, and a letter's room beside it."""
    longest = max((len(text) for text in texts), default=-1)
    return min(_MOST, _LETTER * (longest + 1))


def _spans(count: int) -> list[tuple[int, int]]:
    """Which figures each bar stands for: one each or, of many, the first alone and the rest in groups."""
    size = 1 if count <= BARS else -(-(count - 1) // (BARS - 1))
    return list(pairwise([0, *range(1, count, size), count]))


def _limit(values: Sequence[float]) -> float:
    """The length up to which bars are drawn to scale; cut ones are drawn a quarter longer than others."""
    sizes = sorted(abs(value) for value in values if value)
    if not sizes:
        return 0.0
    ordinary = [size for size in sizes if size <= _CUT * statistics.median_low(sizes)]
    return ordinary[-1] if len(ordinary) == len(sizes) else ordinary[-1] * 1.25
