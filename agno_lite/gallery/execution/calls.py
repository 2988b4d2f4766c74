"""Functions in order of first call, as far as that order is the same in every run.

Time alone does not tell: a thread that works for one coroutine runs beside another. So the order is
that of *places*, the spans by their names from the outside in. At a place, functions and inner places
follow each other as they began; an inner place is listed whole before what came after its beginning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from agno_lite.gallery.execution.raw import RawRun, RawSpan

_SEAM = ("agno_lite/tracing/", "agno_lite/db/embedded/")
"""Through the first the recorder looks, and what the second do depends on the machine: who runs it, what is
installed. That they are entered says nothing of the example."""


@dataclass(slots=True, kw_only=True)
class _Place:
    """All spans of one name under one parent place."""

    begin: float
    """When the first of them began."""
    racing: bool = False
    """Whether one of them ran at the same time as others under the same parent."""
    functions: dict[str, float] = field(default_factory=dict)
    """Functions entered directly inside them, and when first."""
    inner: dict[str, _Place] = field(default_factory=dict)
    """Places inside, by name."""

    def ordered(self) -> Iterator[str]:
        """All functions of the place, with repetitions."""
        races = [place for place in self.inner.values() if place.racing]
        items: list[tuple[float, list[str]]] = [(begin, [name]) for name, begin in self.functions.items()]
        items += [(place.begin, list(place.ordered())) for place in self.inner.values() if not place.racing]
        if races:
            names = sorted(name for place in races for name in place.ordered())
            items.append((min(place.begin for place in races), names))
        for _, listed in sorted(items):
            yield from listed


def calls(run: RawRun, racing: Set[int]) -> tuple[str, ...]:
    """Functions entered, `path::qualified name`.

    Those entered first in a race of spans are sorted by name; those that only bare threads entered,
    which nothing says the place of, come last, sorted.

    Args:
        run: what happened.
        racing: numbers of the spans that ran at the same time as others under the same parent.
    """
    root = _Place(begin=0.0)
    places: dict[int | None, _Place] = {None: root}
    for span in sorted(run.spans, key=lambda span: span.number):
        places[span.number] = place = _inside(places.get(span.parent, root), span)
        place.racing = place.racing or span.number in racing
    bare = _Place(begin=0.0)
    for entry in run.entered:
        place = places.get(entry.span, root) if entry.script_flow else bare
        place.functions.setdefault(f"{entry.path}::{entry.name}", entry.at)
    names = dict.fromkeys([*root.ordered(), *sorted(bare.functions)])
    return tuple(name for name in names if not name.startswith(_SEAM))


def _inside(outer: _Place, span: RawSpan) -> _Place:
    """The place of a span."""
    place = outer.inner.setdefault(span.name, _Place(begin=span.start))
    place.begin = min(place.begin, span.start)
    return place
