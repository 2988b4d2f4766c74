"""Measured figures in words: with as many digits as they are worth, and which of them stands out."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

KIB = 1024
"""Bytes of a KiB."""
_DIGITS = 3
"""Significant digits of a typical figure."""
_DECIMALS = {"s": 9, "MiB": 6, "KiB": 3}
"""Decimals at most, by unit: nanoseconds, and bytes."""
_OUTSTANDING = 3
"""How many times the median of the others a figure is to be called an outlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How figures of one kind are written: all with the same number of decimals."""

    unit: str
    """`s`, `MiB` or `KiB`."""
    decimals: int
    """Digits after the point."""
    signed: bool = False
    """Whether a sign is written before figures above zero too."""

    @classmethod
    def of(cls, figures: Sequence[float], unit: str, *, signed: bool = False) -> Scale:
        """The scale that shows a typical one of the figures with three significant digits."""
        sizes = [abs(figure) for figure in figures if figure]
        magnitude = math.floor(math.log10(statistics.median(sizes))) if sizes else 0
        decimals = min(max(1, _DIGITS - 1 - magnitude), _DECIMALS[unit])
        return cls(unit=unit, decimals=decimals, signed=signed)

    def number(self, figure: float) -> str:
        """The figure without its unit, for tables."""
        return f"{figure:{'+' if self.signed else '-'}z,.{self.decimals}f}"

    def quantity(self, figure: float) -> str:
        """The figure with its unit."""
        return f"{self.number(figure)} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """A figure that is several times the median of the others."""

    index: int
    """Its position, from 0."""
    figure: float
    """The figure."""
    median: float
    """The median of the others."""

    @property
    def factor(self) -> str:
        """How many times the median it is."""
        factor = self.figure / self.median
        return f"{factor:,.0f}" if factor >= 10 else f"{factor:.1f}"


def outlier(figures: Sequence[float]) -> Outlier | None:
    """The largest figure, if it is an outlier."""
    if len(figures) < 2:
        return None
    index = max(range(len(figures)), key=lambda position: figures[position])
    median = statistics.median([*figures[:index], *figures[index + 1 :]])
    if median <= 0 or figures[index] < _OUTSTANDING * median:
        return None
    return Outlier(index=index, figure=figures[index], median=median)
