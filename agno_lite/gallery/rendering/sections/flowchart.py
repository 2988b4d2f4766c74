"""Flowchart: what the script did, from its first call to its result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from agno_lite.gallery.rendering.diagram import Diagram, Edge, Node, draw
from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import operation
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts, Run
    from agno_lite.gallery.rendering.script import ScriptCall

T = TypeVar("T")

MOST_TURNS = 20
"""Boxes for runs; what comes after them shares one more."""
MOST_USERS = 6
"""Boxes for users' memory updates, and for the script's own reads; the rest shares one more."""
_SHOWN = 48
"""Characters of a memory that a box shows."""


@dataclass(slots=True)
class _Chart:
    """A flowchart that is being put together."""

    context: Context
    facts: Facts
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)

    @property
    def script(self) -> str:
        """Path of the script."""
        return self.context.analysis.example.path

    def ids(self, prefix: str) -> list[str]:
        """Names of the nodes that begin so."""
        return [node.id for node in self.nodes if node.id.startswith(prefix)]


def flowchart(context: Context) -> str:
    """Entry, runs, memory updates, database, reads and result; at most 40 boxes, each with a link."""
    facts = context.facts
    if facts is None or not facts.runs:
        return ""
    chart = _Chart(context, facts)
    _entry(chart)
    _turns(chart)
    _memories(chart)
    _database(chart)
    _reads(chart)
    _result(chart)
    runs = context.count("%(num)d run", "%(num)d runs", len(facts.runs))
    diagram = Diagram(
        title=context.say("Flow of %(name)s", name=context.analysis.example.name),
        description=context.say(
            "From the script's first call over %(runs)s to its result. The text below says the same.",
            runs=runs,
        ),
        nodes=tuple(chart.nodes),
        edges=tuple(chart.edges),
    )
    return draw(context, diagram)


def _entry(chart: _Chart) -> None:
    call = chart.facts.script.entry
    text = _called(call) if call else chart.context.analysis.example.name
    line = call.line if call else 1
    chart.nodes.append(Node(id="entry", label=text, role="user", path=chart.script, line=line))
    gather = chart.facts.script.concurrency
    if gather is not None:
        chart.nodes.append(
            Node(id="gather", label=f"{gather.text}()", role="user", path=chart.script, line=gather.line)
        )
        chart.edges.append(Edge(source="entry", target="gather"))


def _called(call: ScriptCall) -> str:
    return f"{call.text}({call.sources.get('', '')})" if call.starts else f"{call.text}()"


def _turns(chart: _Chart) -> None:
    """One box per turn, in a chain, or in one chain per user if runs overlap."""
    start = "gather" if chart.ids("gather") else "entry"
    previous: dict[str, str] = {}
    shown, rest = _limited(chart.facts.turns, MOST_TURNS)
    for number, runs in enumerate(shown, start=1):
        chain = runs[0].user if chart.facts.concurrent else ""
        chart.nodes.append(_turn(chart, f"turn{number}", runs))
        chart.edges.append(Edge(source=previous.get(chain, start), target=f"turn{number}"))
        previous[chain] = f"turn{number}"
    if rest:
        more = tuple(run for runs in rest for run in runs)
        label = chart.context.count("%(num)d more run", "%(num)d more runs", len(more))
        line = more[0].call.line if more[0].call else None
        chart.nodes.append(Node(id="turns", label=label, role="agent", path=chart.script, line=line))
        chart.edges += [Edge(source=last, target="turns") for last in previous.values()]


def _turn(chart: _Chart, name: str, runs: Sequence[Run]) -> Node:
    first = runs[0]
    count = chart.context.count("%(num)d run", "%(num)d runs", len(runs))
    lines = [first.agent, first.user, first.session_name, count]
    line = first.call.line if first.call else None
    label = "\n".join(part for part in lines if part)
    return Node(id=name, label=label, role="agent", path=chart.script, line=line)


def _memories(chart: _Chart) -> None:
    """One box per user for the memory updates, with what they changed."""
    updates = [span for span in chart.facts.capture.spans if span.kind == semconv.UPDATE_MEMORY]
    by_user: dict[str, list[SpanRecord]] = {}
    for span in updates:
        by_user.setdefault(str(span.attributes.get(semconv.USER_ID) or ""), []).append(span)
    shown, rest = _limited(list(by_user.items()), MOST_USERS)
    for number, (user, spans) in enumerate(shown, start=1):
        chart.nodes.append(_memory(chart, f"memory{number}", user, spans))
        chart.edges += _remembered(chart, f"memory{number}", {user})
    if rest:
        spans = [span for _, found in rest for span in found]
        label = chart.context.count("%(num)d more user", "%(num)d more users", len(rest))
        chart.nodes.append(_memory(chart, "memories", label, spans))
        chart.edges += _remembered(chart, "memories", {user for user, _ in rest})


def _memory(chart: _Chart, name: str, user: str, spans: list[SpanRecord]) -> Node:
    owner = chart.context.owner(spans[0])
    changes = [change for span in spans for change in span.attributes.get(semconv.MEMORIES_CHANGED) or ()]
    kept = [shortened(str(change.get("memory") or ""), _SHOWN) for change in changes]
    texts = [text for text in kept if text]
    more = ["…"] if len(texts) > 4 else []
    title = f"{chart.context.say('memory update')} ×{len(spans)}"
    return Node(
        id=name,
        label="\n".join([title, user, *texts[:4], *more]),
        role="memory",
        path=owner.path if owner else chart.script,
        line=owner.line if owner else None,
    )


def _remembered(chart: _Chart, target: str, users: set[str]) -> list[Edge]:
    """From the boxes of the users' runs to the box of their memory updates."""
    label = chart.context.say("what the user said")
    turns, rest = _limited(chart.facts.turns, MOST_TURNS)
    sources = [f"turn{number}" for number, runs in enumerate(turns, start=1) if runs[0].user in users]
    if any(runs[0].user in users for runs in rest):
        sources.append("turns")
    return [Edge(source=source, target=target, label=label) for source in sources]


def _database(chart: _Chart) -> None:
    """The database, what is written to it, and the memories that go into prompts."""
    spans = [span for span in chart.facts.capture.spans if span.kind == semconv.DATABASE]
    if not spans:
        return
    owner = chart.context.database(spans[0])
    system = str(spans[0].attributes.get(semconv.DB_SYSTEM_NAME) or chart.context.say("database"))
    chart.nodes.append(
        Node(
            id="database",
            label=f"{system}\n{chart.context.say('sessions and memories, by user')}",
            role="database",
            path=owner.path if owner else chart.script,
            line=owner.line if owner else None,
        )
    )
    updated = chart.ids("memor")
    label = chart.context.say("new memories") if updated else chart.context.say("runs")
    chart.edges += [
        Edge(source=writer, target="database", label=label) for writer in updated or chart.ids("turn")
    ]
    for number, runs in enumerate(chart.facts.turns[:MOST_TURNS], start=1):
        recalled = {memory for run in runs for memory in chart.facts.recalled(run)}
        if recalled:
            label = _memory_count(chart, len(recalled))
            chart.edges.append(Edge(source="database", target=f"turn{number}", label=label, dotted=True))


def _memory_count(chart: _Chart, number: int) -> str:
    return chart.context.count("%(num)d memory", "%(num)d memories", number)


def _reads(chart: _Chart) -> None:
    """What the script itself reads at the end, by user."""
    shown, rest = _limited(chart.facts.reads, MOST_USERS)
    for number, (span, call) in enumerate(shown, start=1):
        user = str(span.attributes.get(semconv.USER_ID) or "")
        label = f"{call.text if call else operation(span)}()\n{user}".strip()
        chart.nodes.append(_read(chart, f"read{number}", label, call))
        flows = _memory_count(chart, len(chart.facts.memories(user)))
        chart.edges.append(Edge(source="database", target=f"read{number}", label=flows, dotted=True))
    if rest:
        label = chart.context.count("%(num)d more read", "%(num)d more reads", len(rest))
        chart.nodes.append(_read(chart, "reads", label, rest[0][1]))
        chart.edges.append(Edge(source="database", target="reads", dotted=True))


def _read(chart: _Chart, name: str, label: str, call: ScriptCall | None) -> Node:
    return Node(id=name, label=label, role="user", path=chart.script, line=call.line if call else None)


def _result(chart: _Chart) -> None:
    """How the script ended."""
    capture = chart.facts.capture
    status = chart.context.say("exit status %(status)s", status=capture.exit_status)
    lines = len(capture.stdout.strip().splitlines())
    printed = chart.context.count("%(num)d line printed", "%(num)d lines printed", lines)
    label = f"{capture.failure or status}\n{printed}"
    sources = chart.ids("read") or _last_turns(chart)
    calls = chart.facts.script.calls
    line = calls[-1].line if calls else None
    chart.nodes.append(Node(id="result", label=label, role="result", path=chart.script, line=line))
    chart.edges += [Edge(source=source, target="result") for source in sources]


def _last_turns(chart: _Chart) -> list[str]:
    """Boxes of runs that lead to no other run."""
    turns = chart.ids("turn")
    followed = {edge.source for edge in chart.edges if edge.target in turns}
    return [turn for turn in turns if turn not in followed]


def _limited(items: Sequence[T], most: int) -> tuple[Sequence[T], Sequence[T]]:
    """What is shown, and what is folded into one."""
    return items[:most], items[most:]
