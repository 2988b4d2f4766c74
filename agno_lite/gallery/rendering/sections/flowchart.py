"""Flowchart: what the script did, from its first call to its result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from agno_lite.gallery.rendering.diagram import Diagram, Edge, Node, draw
from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import operation, short
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.diagram import Role
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts, Run
    from agno_lite.gallery.rendering.script import ScriptCall

T = TypeVar("T")

MOST_TURNS = 20
"""Boxes for runs; what comes after them shares one more."""
MOST_USERS = 6
"""Boxes for users' memory updates; the rest shares one more."""
MOST_READS = 4
"""Boxes for the script's own reads."""
_SHOWN = 40
"""Characters of a memory that a box shows."""


@dataclass(slots=True)
class _Chart:
    """A flowchart that is being put together."""

    context: Context
    facts: Facts
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    """The boxes that the script's own flow has come to."""

    @property
    def script(self) -> str:
        """Path of the script."""
        return self.context.analysis.example.path

    @property
    def frame(self) -> str:
        """Title of the frame around the runs."""
        runs = self.context.count("%(num)d run", "%(num)d runs", len(self.facts.runs))
        if self.facts.concurrent:
            return self.context.say("%(runs)s, branches at the same time", runs=runs)
        return self.context.say("%(runs)s, one after another", runs=runs)

    def ids(self, prefix: str) -> list[str]:
        """Names of the nodes that begin so."""
        return [node.id for node in self.nodes if node.id.startswith(prefix)]

    def step(self, name: str, label: str, line: int | None, role: Role = "user", frame: str = "") -> None:
        """Add a box of the script's own flow, which comes after those before."""
        self.nodes.append(Node(id=name, label=label, role=role, path=self.script, line=line, group=frame))
        self.edges += [Edge(source=source, target=name) for source in self.last]
        self.last = [name]


def flowchart(context: Context) -> str:
    """Entry, runs, memory updates, database, reads and result; at most 40 boxes, each with a link."""
    facts = context.facts
    if facts is None or not facts.runs:
        return ""
    chart = _Chart(context, facts)
    _entry(chart)
    _turns(chart)
    _memories(chart)
    _joined(chart)
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
    chart.step(
        "entry", _called(call) if call else chart.context.analysis.example.name, call.line if call else 1
    )


def _called(call: ScriptCall) -> str:
    return f"{call.text}({call.sources.get('', '')})" if call.starts else f"{call.text}()"


# --- runs --------------------------------------------------------------------------------------


def _turns(chart: _Chart) -> None:
    """One box per turn: in a chain, or in a chain for each branch between the fork and its join."""
    shown, rest = _limited(chart.facts.turns, MOST_TURNS)
    numbered = enumerate(shown, start=1)
    for group, turns in groupby(numbered, key=lambda turn: _group(chart, turn[1][0])):
        if group:
            _fork(chart, group)
        fork, ends = chart.last, dict[object, str]()
        for number, runs in turns:
            lane = _lane(runs[0]) if group else None
            chart.last = [ends[lane]] if lane in ends else fork
            _turn(chart, f"turn{number}", runs)
            ends[lane] = f"turn{number}"
        chart.last = list(ends.values())
    if rest:
        more = tuple(run for runs in rest for run in runs)
        label = chart.context.count("%(num)d more run", "%(num)d more runs", len(more))
        chart.step("turns", label, more[0].call.line if more[0].call else None, "agent", chart.frame)
    if not chart.facts.concurrent:
        # A frame with no arrow to a box inside is laid out by itself, as one column.
        chart.edges = [
            replace(edge, target=chart.frame) if edge.target == "turn1" else edge for edge in chart.edges
        ]
        chart.last = [chart.frame]


def _group(chart: _Chart, run: Run) -> SpanRecord | str | None:
    """What makes a run overlap others: a group, or the script in some other way."""
    if run.branch is None:
        call = chart.facts.script.concurrency
        return call.text if call and chart.facts.concurrent and not chart.facts.groups else None
    return chart.facts.spans[run.branch.parent] if run.branch.parent else None


def _lane(run: Run) -> object:
    return run.branch.id if run.branch else run.user


def _fork(chart: _Chart, group: SpanRecord | str) -> None:
    """The call that starts several things at the same time."""
    name = group if isinstance(group, str) else short(group)
    call = chart.facts.script.group(name)
    label = f"{name}()"
    if not isinstance(group, str):
        branches = len(chart.facts.branches(group))
        label += f"\n{chart.context.count('%(num)d branch', '%(num)d branches', branches)}"
    chart.step(f"gather{len(chart.ids('gather')) or ''}", label, call.line if call else None)


def _turn(chart: _Chart, name: str, runs: Sequence[Run]) -> None:
    """A box for runs that belong together."""
    first, count = runs[0], chart.context.count("%(num)d run", "%(num)d runs", len(runs))
    requests = sum(len(run.exchanges) for run in runs)
    lines = [first.agent, first.user, first.session_name, count]
    line = first.call.line if first.call else None
    if first.branch is not None:
        asked = chart.context.count("%(num)d request", "%(num)d requests", requests)
        lines = [f"{short(first.branch)}()", first.user, f"{count}, {asked}"]
        line = chart.context.script.line(short(first.branch)) or line
    label = "\n".join(part for part in lines if part)
    chart.step(name, label, line, "agent", chart.frame)


def _joined(chart: _Chart) -> None:
    """What branches print at their end, and the point at which all of them have ended."""
    if not chart.facts.groups or len(chart.ids("gather")) != 1:
        return
    ends = [end for turn in chart.last for end in _printed(chart, turn)]
    name = short(chart.facts.groups[0])
    call = chart.facts.script.group(name)
    chart.last = ends
    chart.step(
        "join", chart.context.say("%(call)s: all have ended", call=f"{name}()"), call.line if call else None
    )


def _printed(chart: _Chart, turn: str) -> list[str]:
    """The box of what a branch prints last, after the branch's box; else that one itself."""
    index = turn.removeprefix("turn")
    branch = chart.facts.turns[int(index) - 1][0].branch if index.isdigit() else None
    call = chart.facts.script.printed(short(branch), chart.facts.capture.stdout) if branch else None
    if call is None or len(chart.last) > MOST_USERS:
        return [turn]
    number = len(chart.ids("done")) + 1
    chart.nodes.append(
        Node(id=f"done{number}", label=call.values[""], role="result", path=chart.script, line=call.line)
    )
    # The last run waits for its memory update: the branch ends after both.
    updated = [edge.target for edge in chart.edges if edge.source == turn and edge.target.startswith("memor")]
    chart.edges += [Edge(source=source, target=f"done{number}") for source in updated or [turn]]
    return [f"done{number}"]


# --- memories and the database -----------------------------------------------------------------


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
    """From the runs to the box of their users' memory updates: from each branch, else from all together."""
    label = chart.context.say("what the user said")
    if not chart.facts.concurrent:
        return [Edge(source=chart.frame, target=target, label=label)]
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
    writers = updated or [chart.frame]
    chart.edges += [Edge(source=writer, target="database", label=label) for writer in writers]
    if any(chart.facts.recalled(run) for run in chart.facts.runs):
        label = chart.context.say("memories of the user")
        chart.edges.append(Edge(source="database", target=chart.frame, label=label, dotted=True))


def _reads(chart: _Chart) -> None:
    """What the script itself reads at the end: one box for each call, however often it is made."""
    by_call: dict[str, list[tuple[SpanRecord, ScriptCall | None]]] = {}
    for span, call in chart.facts.reads:
        by_call.setdefault(call.text if call else operation(span), []).append((span, call))
    for number, (name, reads) in enumerate(list(by_call.items())[:MOST_READS], start=1):
        found = [
            len(chart.facts.memories(str(span.attributes.get(semconv.USER_ID) or ""))) for span, _ in reads
        ]
        line = reads[0][1].line if reads[0][1] else None
        chart.step(f"read{number}", f"{name}() ×{len(reads)}", line)
        flows = chart.context.count("%(num)d memory", "%(num)d memories", sum(found))
        chart.edges.append(Edge(source="database", target=f"read{number}", label=flows, dotted=True))


def _result(chart: _Chart) -> None:
    """How the script ended."""
    capture = chart.facts.capture
    status = chart.context.say("exit status %(status)s", status=capture.exit_status)
    lines = len(capture.stdout.strip().splitlines())
    printed = chart.context.count("%(num)d line printed", "%(num)d lines printed", lines)
    calls = chart.facts.script.calls
    label = f"{capture.failure or status}\n{printed}"
    chart.step("result", label, calls[-1].line if calls else None, "result")


def _limited(items: Sequence[T], most: int) -> tuple[Sequence[T], Sequence[T]]:
    """What is shown, and what is folded into one."""
    return items[:most], items[most:]
