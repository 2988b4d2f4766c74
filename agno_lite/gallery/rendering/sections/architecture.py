"""Architecture layers: user code, the agent's steps, models, the database with its users."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.diagram import Diagram, Edge, Node, draw
from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import operation, short
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts

Step = tuple[str, str]
"""Kind and name of the spans that make up one step."""

MOST_STEPS = 20
"""Steps of the agent layer that are shown."""
MOST_GROUPS = 3
"""Groups of the script's own that its box names."""
MOST_USERS = 8
"""Users whose part of the database is shown."""
_SHOWN = 40
"""Characters of a memory that a box shows."""
_GROUPING = frozenset({semconv.TURN, semconv.TOOL_CALLS, semconv.CHAT})
"""Spans that only hold others together, or that are a layer of their own."""


def architecture(context: Context) -> str:
    """The layers that the run went through, as far as spans tell."""
    facts = context.facts
    if facts is None or not facts.runs:
        return ""
    steps = _steps(facts)
    nodes = [*_user_code(context, facts), *_agent_layer(context, steps), *_models(context, facts)]
    stored = _database(context, facts)
    diagram = Diagram(
        title=context.say("Layers of %(name)s", name=context.analysis.example.name),
        description=context.say(
            "User code calls the agent, whose steps ask the model and use the database. "
            "The text below says the same."
        ),
        nodes=(*nodes, *stored),
        edges=(*_calls(context, facts, steps), *_stores(steps, stored)),
    )
    return draw(context, diagram)


def _steps(facts: Facts) -> dict[Step, list[SpanRecord]]:
    """Spans inside runs by kind and name, in the order of the run that has most of them."""
    by_run: dict[int, dict[Step, list[SpanRecord]]] = {}
    for span in facts.capture.spans:
        runs = [around for around in facts.ancestors(span.parent) if around.kind == semconv.INVOKE_AGENT]
        if runs and span.kind not in _GROUPING:
            by_run.setdefault(runs[-1].id, {}).setdefault((span.kind, span.name), []).append(span)
    order = sorted(by_run.values(), key=len, reverse=True)
    steps = dict.fromkeys(step for found in order for step in found)
    return {step: [span for run in order for span in run.get(step, ())] for step in list(steps)[:MOST_STEPS]}


def _user_code(context: Context, facts: Facts) -> list[Node]:
    """The script, and the users it speaks for."""
    entry = facts.script.entry
    users = context.count("%(num)d user", "%(num)d users", len(facts.users))
    sessions = context.count(
        "%(num)d session", "%(num)d sessions", len({(run.user, run.session) for run in facts.runs})
    )
    groups = [f"{short(group)}() ×{len(facts.branches(group))}" for group in facts.groups[:MOST_GROUPS]]
    called = [f"{entry.text}()"] if entry else []
    label = "\n".join([f"{context.analysis.example.name}.py", *called, *groups, f"{users}, {sessions}"])
    line = entry.line if entry else 1
    path = context.analysis.example.path
    title = context.say("User code")
    return [Node(id="script", label=label, role="user", path=path, line=line, group=title)]


def _agent_layer(context: Context, steps: dict[Step, list[SpanRecord]]) -> list[Node]:
    """One box per step, with its function and how often it ran."""
    nodes = []
    for number, ((kind, _), spans) in enumerate(steps.items(), start=1):
        owner = context.owner(spans[0])
        label = f"{_step_name(context, spans[0])} ×{len(spans)}"
        function = _function(owner.name if owner else spans[0].function)
        nodes.append(
            Node(
                id=f"step{number}",
                label=f"{label}\n{function}()" if function else label,
                role="memory" if kind == semconv.UPDATE_MEMORY else "agent",
                path=owner.path if owner else context.analysis.example.path,
                line=owner.line if owner else None,
                group=context.say("Agent layer"),
            )
        )
    return nodes


def _function(name: str) -> str:
    """The class and the name at the end of a function's dotted name: `PostgresDb.save_run`."""
    *_, owner, last = ["", *name.split(".")]
    return f"{owner}.{last}" if owner[:1].isupper() else last


def _step_name(context: Context, span: SpanRecord) -> str:
    """What a step does, in the words of the page."""
    names = {
        semconv.BUILD_PROMPT: context.say("system prompt"),
        semconv.ANSWER: context.say("answer"),
        semconv.UPDATE_MEMORY: context.say("memory update"),
        semconv.EXECUTE_TOOL: context.say("tool %(name)s", name=span.attributes.get(semconv.TOOL_NAME)),
        semconv.INVOKE_AGENT: context.say("member %(name)s", name=span.attributes.get(semconv.AGENT_NAME)),
        semconv.DATABASE: operation(span),
    }
    return names.get(span.kind, span.name)


def _models(context: Context, facts: Facts) -> list[Node]:
    """One box per model that was asked."""
    nodes = []
    chats = [span for span in facts.capture.spans if span.kind == semconv.CHAT]
    for number, (model, offline) in enumerate(facts.models().items(), start=1):
        asked = [span for span in chats if span.attributes.get(semconv.REQUEST_MODEL, "") == model]
        owner = context.owner(asked[0])
        count = context.count("%(num)d request", "%(num)d requests", len(asked))
        built_in = [context.say("answered by the built-in model")] if offline else []
        nodes.append(
            Node(
                id=f"model{number}",
                label="\n".join([model, count, *built_in]),
                role="model",
                path=owner.path if owner else context.analysis.example.path,
                line=owner.line if owner else None,
                group=context.say("Model"),
            )
        )
    return nodes


def _database(context: Context, facts: Facts) -> list[Node]:
    """One cylinder per user: the user's sessions, and the user's memories."""
    spans = [span for span in facts.capture.spans if span.kind == semconv.DATABASE]
    if not spans:
        return []
    owner = context.database(spans[0])
    system = str(spans[0].attributes.get(semconv.DB_SYSTEM_NAME) or "")
    return [
        Node(
            id=f"user{number}",
            label="\n".join([user, *_sessions(context, facts, user), *_kept(context, facts, user)]),
            role="database",
            path=owner.path if owner else context.analysis.example.path,
            line=owner.line if owner else None,
            group=context.say("Database %(system)s", system=system).strip(),
        )
        for number, user in enumerate(facts.users[:MOST_USERS], start=1)
    ]


def _sessions(context: Context, facts: Facts, user: str) -> list[str]:
    names: dict[str, str] = {}
    for run in facts.runs:
        if run.user == user:
            names.setdefault(run.session, run.session_name)
    return [context.say("session %(name)s", name=name) for name in names.values()]


def _kept(context: Context, facts: Facts, user: str) -> list[str]:
    """How many memories the user has after the run, and the first of them."""
    memories = facts.memories(user)
    shown = [f"- {shortened(memory, _SHOWN)}" for memory in memories[:5]]
    more = ["…"] if len(memories) > len(shown) else []
    return [context.count("%(num)d memory", "%(num)d memories", len(memories)), *shown, *more]


def _order(facts: Facts, steps: dict[Step, list[SpanRecord]]) -> list[tuple[str, str]]:
    """Pairs of steps that follow each other; branches of a concurrent span begin and end together."""
    pairs: list[tuple[str, str]] = []
    trunk, branches, current = ["script"], dict[Step, str](), None
    for number, spans in enumerate(steps.values(), start=1):
        fork, branch = _fork(facts, spans[0])
        if fork != current:
            trunk, branches, current = list(branches.values()) or trunk, {}, fork
        before = [branches[branch]] if branch in branches else trunk
        pairs += [(source, f"step{number}") for source in before]
        branches[branch] = f"step{number}"
    return pairs


def _fork(facts: Facts, span: SpanRecord) -> tuple[Step | None, Step]:
    """The concurrent step that a span is inside of, and which of its branches; else none."""
    branch = span
    for around in facts.ancestors(span.parent):
        if around.concurrent and around.kind != semconv.GATHER:
            return (around.kind, around.name), (branch.kind, branch.name)
        branch = around
    return None, ("", "")


def _calls(context: Context, facts: Facts, steps: dict[Step, list[SpanRecord]]) -> list[Edge]:
    """From the script through the steps, in order, and to the models they ask."""
    runs = context.count("%(num)d run", "%(num)d runs", len(facts.runs))
    flow = _order(facts, steps)
    forks = {source for source, _ in flow if sum(before == source for before, _ in flow) > 1}
    labels = dict.fromkeys(forks, context.say("at the same time")) | {"script": runs}
    models = {model: f"model{number}" for number, model in enumerate(facts.models(), start=1)}
    asks = Counter(
        (_asking(facts, span, steps), models[str(span.attributes.get(semconv.REQUEST_MODEL, ""))])
        for span in facts.capture.spans
        if span.kind == semconv.CHAT
    )
    return [
        *(Edge(source=source, target=target, label=labels.get(source, "")) for source, target in flow),
        *(Edge(source=step, target=model, label=f"×{count}") for (step, model), count in asks.items()),
    ]


def _asking(facts: Facts, span: SpanRecord, steps: dict[Step, list[SpanRecord]]) -> str:
    """The box of the step that a request was sent in; the script's if it was sent in none."""
    keys = list(steps)
    around = ((found.kind, found.name) for found in facts.ancestors(span.parent))
    return next((f"step{keys.index(key) + 1}" for key in around if key in steps), "script")


def _stores(steps: dict[Step, list[SpanRecord]], stored: list[Node]) -> list[Edge]:
    """From each step that is a database operation to the database."""
    return [
        Edge(source=f"step{number}", target=stored[0].group, dotted=True)
        for number, (kind, _) in enumerate(steps, start=1)
        if kind == semconv.DATABASE and stored
    ]
