"""The steps of an agent's runs, put together over all of its runs, and how they follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agno_lite.gallery.records import SpanRecord

_HOLDING = frozenset(
    {semconv.INVOKE_AGENT, semconv.TURN, semconv.TOOL_CALLS, semconv.CHAT, semconv.GATHER, semconv.BRANCH}
)
"""Spans that only hold others together, or that are shown elsewhere."""

Children = dict[int | None, list["SpanRecord"]]
"""Spans by the span that they are directly inside of."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Step:
    """Spans of one kind and name at one place of the runs, and what is inside of them."""

    spans: tuple[SpanRecord, ...]
    """All of them."""
    inner: tuple[Step, ...]
    """Steps inside, in the order of the run that has most of them."""

    @property
    def shown(self) -> bool:
        """Whether it is a step of its own, and not only holds others together."""
        return self.spans[0].kind not in _HOLDING

    @property
    def concurrent(self) -> bool:
        """Whether what is inside begins and ends together."""
        return any(span.concurrent for span in self.spans)

    def walk(self) -> Iterator[Step]:
        """It and all inside, outermost first."""
        yield self
        for step in self.inner:
            yield from step.walk()


def children(spans: Iterable[SpanRecord]) -> Children:
    """Spans by the span that they are directly inside of."""
    found: Children = {}
    for span in spans:
        found.setdefault(span.parent, []).append(span)
    return found


def merged(runs: Sequence[SpanRecord], below: Children) -> Step:
    """The steps of all runs of an agent. What other agents did for it is left out."""
    places: dict[tuple[str, str], list[SpanRecord]] = {}
    for span in sorted(runs, key=lambda span: len(below.get(span.id, ())), reverse=True):
        for child in below.get(span.id, ()):
            if child.kind != semconv.INVOKE_AGENT:
                places.setdefault((child.kind, child.name), []).append(child)
    inner = tuple(merged(spans, below) for spans in places.values())
    return Step(spans=tuple(runs), inner=inner)


def follow(step: Step, before: list[Step]) -> tuple[list[tuple[Step, Step]], list[Step]]:
    """How the steps inside a step follow each other.

    Args:
        step: the outermost one.
        before: the steps after which it begins.

    Returns:
        Pairs of a step and one that comes next, and the steps that nothing comes after.
    """
    pairs: list[tuple[Step, Step]] = []
    if step.shown:
        pairs += [(earlier, step) for earlier in before]
        before = [step]
    ends: list[Step] = []
    for inner in step.inner:
        found, last = follow(inner, before)
        pairs += found
        if not step.concurrent:
            before = last
        elif last != before:
            ends += last
    return pairs, ends or before
