"""A flowchart that is being put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from agno_lite.gallery.rendering.diagram import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import SpanRecord, Symbol
    from agno_lite.gallery.rendering.diagram import Role
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts, Run

T = TypeVar("T")

MOST_BOXES = 40
"""Boxes of a flowchart."""
_AT_THE_END = 6
"""Boxes that the flow keeps free: for the script's own reads, the requests outside of runs, the result."""


class Place(NamedTuple):
    """Where a box links to."""

    path: str
    """Source file."""
    line: int | None
    """Line of that file."""


class Caller(NamedTuple):
    """A part of the flow that begins runs."""

    place: str
    """Its box, or the title of its frame."""
    runs: tuple[Run, ...]
    """The runs."""


@dataclass(slots=True)
class Chart:
    """Boxes and arrows so far, and where the script's own flow has come to."""

    context: Context
    facts: Facts
    nodes: list[Node] = field(default_factory=list)
    """Boxes of the script's own flow."""
    inner: list[Node] = field(default_factory=list)
    """Boxes of what happens inside of runs, and of what is stored."""
    edges: list[Edge] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    """The boxes that the script's own flow has come to."""
    answer: str = ""
    """What stands on the next arrow of the flow: the answer to the question that it has come to."""
    callers: list[Caller] = field(default_factory=list)
    """Where runs begin: boxes, or frames for all boxes inside."""
    talks: list[Caller] = field(default_factory=list)
    """Where those outside of evaluations begin that remember what users said."""

    @property
    def room(self) -> int:
        """How many boxes more the flow may have."""
        return MOST_BOXES - _AT_THE_END - len(self.nodes) - len(self.inner)

    def box(self, prefix: str, label: str, role: Role, place: Place, frame: str = "") -> str:
        """Add a box of the flow without arrows, and give its id."""
        name = self.named(prefix)
        self.nodes.append(
            Node(id=name, label=label, role=role, path=place.path, line=place.line, group=frame)
        )
        return name

    def step(self, prefix: str, label: str, place: Place, role: Role = "user", frame: str = "") -> str:
        """Add a box that comes after those before, and give its id."""
        name = self.box(prefix, label, role, place, frame)
        self.arrive(name)
        self.last = [name]
        return name

    def arrive(self, target: str) -> None:
        """Lead the arrows from where the flow has come to."""
        answer, self.answer = self.answer, ""
        self.edges += [
            Edge(source=source, target=target, label=answer, step=bool(answer)) for source in self.last
        ]

    def inside(self, prefix: str, label: str, role: Role, place: Place, frame: str = "") -> str:
        """Add a box beside the flow, and give its id."""
        name = self.named(prefix)
        node = Node(id=name, label=label, role=role, path=place.path, line=place.line, group=frame)
        self.inner.append(node)
        return name

    def flow(self, source: str, target: str, label: str, *, dotted: bool = False, both: bool = False) -> None:
        """Add an arrow by which something goes from one to the other, and back if it says `both`."""
        self.edges.append(Edge(source=source, target=target, label=label, dotted=dotted, both=both))

    def named(self, prefix: str) -> str:
        """A new id: the prefix and the next number."""
        return f"{prefix}{len(self.ids(prefix)) + 1}"

    def ids(self, prefix: str) -> list[str]:
        """Ids of the boxes that are numbered under a prefix."""
        names = (node.id for node in (*self.nodes, *self.inner))
        return [name for name in names if name.rstrip("0123456789") == prefix]

    def frame(self, title: str) -> str:
        """A frame's title as no other frame has it."""
        taken = {node.group for node in (*self.nodes, *self.inner)}
        number, free = 1, title
        while free in taken:
            number += 1
            free = f"{title} ({number})"
        return free

    # --- places ------------------------------------------------------------------------------------

    def here(self, line: int | None) -> Place:
        """A line of the script."""
        return Place(self.context.analysis.example.path, line)

    def at(self, symbol: Symbol | None) -> Place:
        """A symbol's definition; the script if there is no symbol."""
        return Place(symbol.path, symbol.line) if symbol else self.here(None)

    def made(self, name: str, span: SpanRecord) -> Place:
        """Where the script makes the object of that name; else the function that opened a span."""
        for configuration in self.context.analysis.configurations:
            if any(each.name == "name" and each.value == repr(name) for each in configuration.settings):
                return self.here(configuration.line)
        return self.at(self.context.owner(span))

    # --- words -------------------------------------------------------------------------------------

    def count_runs(self, number: int) -> str:
        """`3 runs`."""
        return self.context.count("%(num)d run", "%(num)d runs", number)

    def count_requests(self, number: int) -> str:
        """`3 requests`."""
        return self.context.count("%(num)d request", "%(num)d requests", number)

    def work(self, runs: Sequence[Run]) -> str:
        """How many runs, and how many requests were sent in them: `3 runs, 6 requests`."""
        requests = sum(len(run.exchanges) for run in runs)
        return f"{self.count_runs(len(runs))}, {self.count_requests(requests)}"


def limited(items: Sequence[T], most: int) -> tuple[Sequence[T], Sequence[T]]:
    """What is shown, and what is folded into one."""
    return items[:most], items[most:]
