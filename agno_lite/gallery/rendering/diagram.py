"""Diagrams as data, and as Mermaid."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from agno_lite.gallery.rendering import escape

if TYPE_CHECKING:
    from agno_lite.gallery.rendering.edition import Context

Role = Literal[
    "user", "agent", "model", "tool", "memory", "database", "evaluation", "decision", "skipped", "result"
]

STYLES: dict[Role, str] = {
    "user": "fill:#1565c033,stroke:#1e88e5,stroke-width:2px",
    "evaluation": "fill:#00838f33,stroke:#00acc1,stroke-width:2px",
    "agent": "fill:#7e57c233,stroke:#7e57c2,stroke-width:2px",
    "model": "fill:#d81b6033,stroke:#d81b60,stroke-width:2px",
    "tool": "fill:#6d4c4133,stroke:#a1887f,stroke-width:2px",
    "memory": "fill:#2e7d3233,stroke:#43a047,stroke-width:2px",
    "database": "fill:#ef6c0033,stroke:#ef6c00,stroke-width:2px",
    "decision": "fill:#f9a82533,stroke:#f9a825,stroke-width:2px",
    "skipped": "fill:#78909c14,stroke:#78909c,stroke-width:2px,stroke-dasharray:6 4",
    "result": "fill:#607d8b33,stroke:#78909c,stroke-width:2px",
}
"""Fill and border by role. The fill is a tint of the page, a fifth opaque: a theme's own text colour, dark on
a light page and light on a dark one, is readable on it, where a theme lets no diagram set that colour."""


_LINE = 64
"""Characters of a line that a label shows."""
_LABEL = 900
"""Characters that a label takes up in Mermaid's language: it draws no diagram of more than 50,000
(`maxTextSize`), and ours have up to 40 boxes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box of a diagram."""

    id: str
    """Its name in the diagram."""
    label: str
    """What it says, lines separated by a line break."""
    role: Role
    """What it stands for."""
    path: str
    """Source file that it links to."""
    line: int | None = None
    """Line of that file."""
    group: str = ""
    """Title of the frame around it."""

    @property
    def boxed(self) -> str:
        """Its label in the shape of its role: a database a cylinder, a question a diamond, an end round."""
        shapes = {"database": ("[(", ")]"), "decision": ("{", "}"), "result": ("([", "])")}
        left, right = shapes.get(self.role, ("[", "]"))
        return f'{left}"{_drawn(self.label)}"{right}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow of a diagram."""

    source: str
    """The node where it begins, or the title of a frame."""
    target: str
    """The node where it ends, or the title of a frame."""
    label: str = ""
    """What flows."""
    dotted: bool = False
    """Whether it is data that is read, or a way not taken."""
    both: bool = False
    """Whether something comes back the same way. Two arrows there and back may turn a chart upside down."""
    step: bool = False
    """Whether it is a step also if it has a label, which then answers a question."""

    @property
    def arrow(self) -> str:
        """The arrow between the two names."""
        arrow = "<-->" if self.both else "-.->" if self.dotted else "-->"
        return f'{arrow}|"{escape.label(self.label)}"|' if self.label else arrow


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """A flowchart."""

    title: str
    """What it shows, for those who hear it."""
    description: str
    """How to read it, for those who hear it."""
    nodes: tuple[Node, ...]
    """In the order of the text alternative."""
    edges: tuple[Edge, ...]
    """In order."""
    columns: tuple[str, ...] | None = None
    """Titles of frames that are laid out by themselves, from top to bottom: arrows into one end at the frame.
    If it is not said, all in which nodes follow each other."""

    def members(self, name: str) -> list[str]:
        """The node of that name, or the nodes in the frame of that title."""
        return [node.id for node in self.nodes if name in (node.id, node.group)]

    def is_column(self, title: str) -> bool:
        """Whether a frame is laid out by itself."""
        if self.columns is not None:
            return title in self.columns
        members = set(self.members(title))
        return any({edge.source, edge.target} <= members for edge in self.edges)

    def _ends(self, edge: Edge) -> tuple[list[str], list[str]]:
        """The nodes between which an edge leads: data concerns a whole frame, a step one end of its chain."""
        sources, targets = self.members(edge.source), self.members(edge.target)
        if edge.label and not edge.step:
            return sources, targets
        inside = [other for other in self.edges if other is not edge]
        left = {other.source for other in inside if other.target in sources}
        entered = {other.target for other in inside if other.source in targets}
        return [name for name in sources if name not in left], [n for n in targets if n not in entered]

    def leads(self, name: str) -> list[tuple[str, Edge]]:
        """Nodes to which arrows lead from a node, each with its arrow."""
        ends = [(edge, *self._ends(edge)) for edge in self.edges]
        return [(target, edge) for edge, sources, targets in ends if name in sources for target in targets]

    def place(self, name: str) -> str:
        """What Mermaid calls a node, or a frame by its title."""
        frames = list(self.groups)
        return f"frame{frames.index(name)}" if name in frames else name

    @property
    def groups(self) -> dict[str, list[Node]]:
        """Nodes by frame."""
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.group, []).append(node)
        return found

    @property
    def roles(self) -> dict[Role, list[Node]]:
        """Nodes by role."""
        return {role: [node for node in self.nodes if node.role == role] for role in STYLES}


def _drawn(label: str) -> str:
    """A label as Mermaid reads it: long lines are cut, and so are more lines than there is room for."""
    lines = [escape.label(escape.shortened(line, _LINE)) for line in label.split("\n")]
    ends = accumulate(len(line) + 2 for line in lines)
    kept = [line for line, end in zip(lines, ends, strict=True) if end <= _LABEL]
    return "\\n".join(kept if len(kept) == len(lines) else [*kept, "…"])


def draw(context: Context, diagram: Diagram) -> str:
    """The diagram and, under it, the same as an ordered list."""
    numbers = {node.id: number for number, node in enumerate(diagram.nodes, start=1)}
    steps = [
        {
            "text": f"[{escape.text(', '.join(node.label.splitlines()))}]"
            f"({context.links.source(node.path, node.line)})",
            "leads": [
                f"{numbers[target]} ({escape.text(', '.join(edge.label.splitlines()))})"
                if edge.label
                else str(numbers[target])
                for target, edge in diagram.leads(node.id)
            ],
        }
        for node in diagram.nodes
    ]
    source = context.render(
        "diagram.mmd",
        diagram=diagram,
        title=escape.plain(diagram.title),
        description=escape.plain(diagram.description),
        groups=[(diagram.place(title), title, nodes) for title, nodes in diagram.groups.items()],
        label=escape.label,
        styles=STYLES,
        href={node.id: context.links.source_url(node.path, node.line) for node in diagram.nodes},
    )
    return context.render("diagram.md", source=source, steps=steps)
