"""Architecture layers: user code, evaluations, each agent's and team's steps, models, the database."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.diagram import Diagram, Edge, Node, draw
from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import operation, short
from agno_lite.gallery.rendering.objects import (
    evaluation_object,
    participants,
    pass_title,
    sessions,
    tool_function,
)
from agno_lite.gallery.rendering.steps import children, follow, merged
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agno_lite.gallery.records import SpanRecord, Symbol
    from agno_lite.gallery.rendering.diagram import Role
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts
    from agno_lite.gallery.rendering.objects import Participant
    from agno_lite.gallery.rendering.steps import Step

MOST_EVALUATIONS = 3
"""Evaluations, each in a frame of two boxes, the last ones in one box for the rest."""
MOST_AGENTS = 7
"""Agents and teams that have a frame; the rest shares a box."""
MOST_STEPS = 20
"""Boxes of all these frames together."""
MOST_MODELS = 4
"""Boxes for models, the last one for the rest."""
MOST_USERS = 8
"""Boxes for users' parts of the database, the last one for the rest."""
MOST_LINES = 4
"""Groups, sessions and memories that a box names."""
_SHOWN = 40
"""Characters of a memory that a box shows."""


@dataclass(slots=True)
class _Layers:
    """A diagram that is being put together."""

    context: Context
    facts: Facts
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    boxes: dict[int, str] = field(default_factory=dict)
    """The box that stands for a span, by the span's id."""
    stores: list[str] = field(default_factory=list)
    """Boxes of steps that use the database."""

    def add(
        self, name: str, lines: Sequence[str], role: Role, frame: str, owner: Symbol | int | None
    ) -> None:
        """Add a box that leads to a symbol, or to a line of the script."""
        path, line = self.context.analysis.example.path, owner if isinstance(owner, int) else None
        if owner is not None and not isinstance(owner, int):
            path, line = owner.path, owner.line
        label = "\n".join(lines)
        self.nodes.append(Node(id=name, label=label, role=role, path=path, line=line, group=frame))

    def lead(self, source: str, target: str, label: str = "", *, dotted: bool = False) -> None:
        """Add an arrow."""
        self.edges.append(Edge(source=source, target=target, label=label, dotted=dotted))

    def around(self, span: int | None) -> str:
        """The innermost box around a span; the script's if there is none."""
        found = (self.boxes[outer.id] for outer in self.facts.ancestors(span) if outer.id in self.boxes)
        return next(found, "script")


def architecture(context: Context) -> str:
    """The layers that the run went through, as far as spans tell."""
    facts = context.facts
    if facts is None or not facts.runs:
        return ""
    layers = _Layers(context, facts)
    _user_code(layers)
    _evaluations(layers)
    _agents(layers)
    _models(layers)
    _database(layers)
    diagram = Diagram(
        title=context.say("Layers of %(name)s", name=context.analysis.example.name),
        description=context.say(
            "User code calls agents and teams, whose steps ask the model and use the database. "
            "The text below says the same."
        ),
        nodes=tuple(layers.nodes),
        edges=tuple(layers.edges),
        columns=tuple(node.group for node in layers.nodes if node.role == "database"),
    )
    return draw(context, diagram)


# --- user code and evaluations -----------------------------------------------------------------


def _user_code(layers: _Layers) -> None:
    """The script, and the users it speaks for."""
    context, facts = layers.context, layers.facts
    entry = facts.script.entry
    users = context.count("%(num)d user", "%(num)d users", len(facts.users))
    held = context.count("%(num)d session", "%(num)d sessions", len(sessions(facts)))
    outside = [group for group in facts.groups if not _is_measured(facts, group)]
    called = [f"{entry.text}()"] if entry else []
    lines = [
        f"{context.analysis.example.name}.py",
        *called,
        *_groups(layers, outside),
        f"{users}, {held}",
    ]
    layers.add("script", lines, "user", context.say("User code"), entry.line if entry else 1)


def _is_measured(facts: Facts, span: SpanRecord) -> bool:
    """Whether a span is inside of an evaluation."""
    return any(facts.within(span.id, evaluation) for evaluation in facts.evaluations)


def _groups(layers: _Layers, groups: Iterable[SpanRecord]) -> list[str]:
    """A line for the groups of each name: how many of them, with how many branches."""
    by_name: dict[str, list[SpanRecord]] = {}
    for group in groups:
        by_name.setdefault(short(group), []).append(group)
    lines = []
    for name, found in list(by_name.items())[:MOST_LINES]:
        branches = sum(len(layers.facts.branches(group)) for group in found)
        times = f" ×{len(found)}" if len(found) > 1 else ""
        counted = layers.context.count("%(num)d branch", "%(num)d branches", branches)
        lines.append(f"{name}(){times}: {counted}")
    return lines


def _evaluations(layers: _Layers) -> None:
    """For each evaluation the passes that it made, and the function that it called; the rest shares a box."""
    by_name: dict[str, list[SpanRecord]] = {}
    for evaluation in layers.facts.evaluations:
        by_name.setdefault(short(evaluation), []).append(evaluation)
    for number, names in enumerate(_limited(list(by_name), MOST_EVALUATIONS), start=1):
        found = [evaluation for name in names for evaluation in by_name[name]]
        if len(names) == 1:
            _evaluation(layers, number, found)
            continue
        more = layers.context.count("%(num)d more evaluation", "%(num)d more evaluations", len(names))
        layers.add(f"eval{number}", [more], "evaluation", "", layers.context.owner(found[0]))
        layers.lead("script", f"eval{number}")
        layers.boxes |= {evaluation.id: f"eval{number}" for evaluation in found}


def _evaluation(layers: _Layers, number: int, found: list[SpanRecord]) -> None:
    """A frame for an evaluation, however often it was made."""
    context, facts = layers.context, layers.facts
    owner = context.owner(found[0])
    frame = context.say("Evaluation layer: %(name)s", name=short(found[0]))
    passes: Counter[str] = Counter()
    for evaluation in found:
        passes.update({title: len(made) for title, made in facts.passes(evaluation).items()})
    made = [_pass(context, title, count) for title, count in passes.items()]
    layers.add(f"eval{number}", [f"{_function_name(owner, found[0])}()", *made], "evaluation", frame, owner)
    layers.lead("script", f"eval{number}", context.say("the function"))
    function = _function_under(context, found[0])
    groups = [group for group in facts.groups if any(facts.within(group.id, one) for one in found)]
    lines = [f"{function}()", *_groups(layers, groups)]
    layers.add(f"func{number}", lines, "user", frame, facts.script.line(function))
    calls = context.count("%(num)d call", "%(num)d calls", passes.total())
    layers.lead(f"eval{number}", f"func{number}", calls)
    layers.boxes |= {evaluation.id: f"func{number}" for evaluation in found}


def _pass(context: Context, title: str, iterations: int) -> str:
    counted = context.count("%(num)d iteration", "%(num)d iterations", iterations)
    return f"{pass_title(context, title)}: {counted}"


def _function_under(context: Context, evaluation: SpanRecord) -> str:
    """What the script calls the function that an evaluation measures."""
    made = evaluation_object(context, evaluation)
    given = (setting.source for setting in made.settings if setting.name == "func") if made else ()
    return next(iter(given), None) or context.say("the function")


# --- agents and teams --------------------------------------------------------------------------


def _agents(layers: _Layers) -> None:
    """A frame for each agent, team and member; those that there is no room for share a box."""
    found = participants(layers.context, layers.facts)
    below = children(layers.facts.capture.spans)
    shown, rest = found[:MOST_AGENTS], found[MOST_AGENTS:]
    steps = [merged(agent.runs, below) for agent in shown]
    room = _room([sum(step.shown for step in root.walk()) for root in steps])
    for number, (agent, root) in enumerate(zip(shown, steps, strict=True), start=1):
        _agent(layers, f"agent{number}", agent, root, room)
    if rest:
        more = layers.context.count("%(num)d more agent", "%(num)d more agents", len(rest))
        layers.add("agents", [more], "agent", "", None)
        layers.boxes |= {run.id: "agents" for agent in rest for run in agent.runs}
    for agent in rest:
        _asked(layers, agent, ["agents"])


def _room(counts: Sequence[int]) -> int:
    """How many boxes each frame may have, so that all together are not too many."""
    fitting = (
        most for most in range(max(counts), 0, -1) if sum(min(most, count) for count in counts) <= MOST_STEPS
    )
    return next(fitting, 1)


def _agent(layers: _Layers, prefix: str, agent: Participant, root: Step, room: int) -> None:
    """One box per step, in the frame of their agent; steps that there is no room for share the last one."""
    frame = _frame(layers, agent)
    steps = [step for step in root.walk() if step.shown]
    kept = steps if len(steps) <= room else steps[: room - 1]
    names = {step: f"{prefix}_{number}" for number, step in enumerate(kept, start=1)}
    for step, name in names.items():
        _step(layers, name, step, frame)
    if rest := steps[len(kept) :]:
        names |= dict.fromkeys(rest, f"{prefix}_more")
        more = layers.context.count("%(num)d more step", "%(num)d more steps", len(rest))
        layers.add(f"{prefix}_more", [more], "agent", frame, layers.context.owner(rest[0].spans[0]))
    layers.boxes |= {span.id: name for step, name in names.items() for span in step.spans}
    pairs, _ = follow(root, [])
    named = dict.fromkeys((names[earlier], names[later]) for earlier, later in pairs)
    flow = [(source, target) for source, target in named if source != target]
    _flow(layers, flow, names)
    entered = {target for _, target in flow}
    first = [name for name in dict.fromkeys(names.values()) if name not in entered]
    _asked(layers, agent, first)


def _frame(layers: _Layers, agent: Participant) -> str:
    """What an agent is, and its name; the number of its frame too where another has that title."""
    say = layers.context.say
    if agent.team and agent.leads:
        title = say("Member layer: %(name)s, the leader of a team", name=agent.name)
    elif agent.team:
        title = say("Member layer: %(name)s", name=agent.name)
    elif agent.leads:
        title = say("Team layer: %(name)s, the leader", name=agent.name)
    else:
        title = say("Agent layer: %(name)s", name=agent.name)
    taken = {node.group for node in layers.nodes}
    return f"{title} ({len(taken)})" if title in taken else title


def _step(layers: _Layers, name: str, step: Step, frame: str) -> None:
    """What a step does, how often it ran, and its function."""
    span = step.spans[0]
    owner = layers.context.owner(span)
    title = f"{_step_name(layers.context, span)} ×{len(step.spans)}"
    role: Role = "memory" if span.kind == semconv.UPDATE_MEMORY else "agent"
    if span.kind == semconv.EXECUTE_TOOL:
        line = layers.facts.script.line(str(span.attributes.get(semconv.TOOL_NAME)))
        layers.add(name, [title], role, frame, line or tool_function(layers.context, span) or owner)
        return
    function = _function_name(owner, span)
    layers.add(name, [title, *([f"{function}()"] if function else [])], role, frame, owner)
    if span.kind == semconv.DATABASE:
        layers.stores.append(name)


def _function_name(owner: Symbol | None, span: SpanRecord) -> str:
    """The class and the name at the end of a function's dotted name: `PostgresDb.save_run`."""
    *_, cls, last = ["", *(owner.name if owner else span.function).split(".")]
    return f"{cls}.{last}" if cls[:1].isupper() else last


def _step_name(context: Context, span: SpanRecord) -> str:
    """What a step does, in the words of the page."""
    names = {
        semconv.BUILD_PROMPT: context.say("system prompt"),
        semconv.ANSWER: context.say("answer"),
        semconv.UPDATE_MEMORY: context.say("memory update"),
        semconv.EXECUTE_TOOL: context.say("tool %(name)s", name=span.attributes.get(semconv.TOOL_NAME)),
        semconv.DATABASE: operation(span),
    }
    return names.get(span.kind, span.name)


def _flow(layers: _Layers, flow: list[tuple[str, str]], names: dict[Step, str]) -> None:
    """From each step to the next ones: tool calls with their number, and what begins together."""
    tools = {
        name: layers.context.count("%(num)d call", "%(num)d calls", len(step.spans))
        for step, name in names.items()
        if step.spans[0].kind == semconv.EXECUTE_TOOL
    }
    forks = {source for source, count in Counter(source for source, _ in flow).items() if count > 1}
    for source, target in flow:
        together = layers.context.say("at the same time") if source in forks else ""
        layers.lead(source, target, tools.get(target, together))


def _asked(layers: _Layers, agent: Participant, first: list[str]) -> None:
    """From whoever asks an agent to its first steps: what it is given, and what it gives back."""
    count = layers.context.count
    for caller, runs in _by_caller(layers, agent).items():
        asked = count("%(num)d run", "%(num)d runs", len(runs))
        if agent.team:
            asked = count("%(num)d task", "%(num)d tasks", len(runs))
        answered = sum(run.error is None for run in runs)
        answers = count("%(num)d answer", "%(num)d answers", answered)
        for name in first:
            layers.lead(caller, name, f"{asked} → {answers}")


def _by_caller(layers: _Layers, agent: Participant) -> dict[str, list[SpanRecord]]:
    """An agent's runs by the box that they were asked for in."""
    found: dict[str, list[SpanRecord]] = {}
    for run in agent.runs:
        found.setdefault(layers.around(run.parent), []).append(run)
    return found


# --- models and the database -------------------------------------------------------------------


def _models(layers: _Layers) -> None:
    """A box for each model that was asked, with the steps that asked it; the last ones may share one."""
    context, offline = layers.context, layers.facts.models()
    asked: dict[str, list[SpanRecord]] = {}
    for span in layers.facts.capture.spans:
        if span.kind == semconv.CHAT:
            asked.setdefault(str(span.attributes.get(semconv.REQUEST_MODEL, "")), []).append(span)
    for number, models in enumerate(_limited(list(asked), MOST_MODELS), start=1):
        requests = [span for model in models for span in asked[model]]
        lines = [
            models[0]
            if len(models) == 1
            else context.count("%(num)d more model", "%(num)d more models", len(models)),
            _requests(context, len(requests)),
            *([context.say("answered by the built-in model")] if all(map(offline.get, models)) else []),
        ]
        layers.add(f"model{number}", lines, "model", context.say("Model"), context.owner(requests[0]))
        for name, count in Counter(layers.around(span.id) for span in requests).items():
            layers.lead(name, f"model{number}", _requests(context, count))


def _requests(context: Context, number: int) -> str:
    return context.count("%(num)d request", "%(num)d requests", number)


def _limited(names: Sequence[str], most: int) -> list[Sequence[str]]:
    """Each by itself, as far as there is room; the rest together."""
    alone = names if len(names) <= most else names[: most - 1]
    rest = names[len(alone) :]
    return [*([name] for name in alone), *([rest] if rest else [])]


def _database(layers: _Layers) -> None:
    """One cylinder per user: the user's sessions and memories; the last ones may share one."""
    context, facts = layers.context, layers.facts
    spans = [span for span in facts.capture.spans if span.kind == semconv.DATABASE]
    if not spans:
        return
    system = str(spans[0].attributes.get(semconv.DB_SYSTEM_NAME) or "")
    frame = context.say("Database %(system)s", system=system).strip()
    for number, users in enumerate(_limited(facts.users, MOST_USERS), start=1):
        title = (
            users[0]
            if len(users) == 1
            else context.count("%(num)d more user", "%(num)d more users", len(users))
        )
        lines = [title, *_sessions(context, facts, users), *_kept(context, facts, users)]
        layers.add(f"user{number}", lines, "database", frame, context.database(spans[0]))
    for name in layers.stores:
        layers.lead(name, frame, dotted=True)


def _sessions(context: Context, facts: Facts, users: Sequence[str]) -> list[str]:
    """How many sessions users have, and what the script calls those of a single user."""
    found = {place: name for place, name in sessions(facts).items() if place[0] in users}
    counted = context.count("%(num)d session", "%(num)d sessions", len(found))
    return [counted, *_listed([name for name in found.values() if name and len(users) == 1])]


def _kept(context: Context, facts: Facts, users: Sequence[str]) -> list[str]:
    """How many memories users have after the run, and the first of those of a single user."""
    memories = [memory for user in users for memory in facts.memories(user)]
    counted = context.count("%(num)d memory", "%(num)d memories", len(memories))
    return [counted, *_listed(memories if len(users) == 1 else ())]


def _listed(texts: Sequence[str]) -> list[str]:
    """The first of several texts, a line each."""
    shown = [f"- {shortened(text, _SHOWN)}" for text in texts[:MOST_LINES]]
    return [*shown, *(["…"] if len(texts) > len(shown) else [])]
