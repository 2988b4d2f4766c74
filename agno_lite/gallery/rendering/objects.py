"""Who and what took part in a run, and what the script calls them: agents, evaluations, tools, sessions."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.syntax import construction_sites
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import ObjectConfiguration, Setting, SpanRecord, Symbol
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts

    Objects = tuple[ObjectConfiguration, ...]

PASSES = {"warm-up": "warmup_runs", "runtime": "measure_runtime", "memory": "measure_memory"}
"""Passes of an evaluation by their titles, in their order, and the settings that leave them out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """An agent or team in one place: by itself, or as a member of one team."""

    path: tuple[str, ...]
    """Ids of the agents in whose runs its own were made, outermost first, and its own."""
    name: str
    """What it is called."""
    leads: bool
    """Whether it is a team."""
    team: str
    """Name of the team that it is a member of; empty if it is not."""
    runs: tuple[SpanRecord, ...]
    """Its runs, in canonical order."""
    objects: Objects
    """The script's objects that it may be: one, as far as names and teams tell."""

    def setting(self, name: str) -> Setting | None:
        """Its setting of that name; `None` if it is not known, or not which of several."""
        found = [setting for made in self.objects for setting in made.settings if setting.name == name]
        return found[0] if len({(setting.source, setting.value) for setting in found}) == 1 else None


def participants(context: Context, facts: Facts) -> tuple[Participant, ...]:
    """Everybody who had runs: members after their leader, in the order in which the script makes them."""
    by_path: dict[tuple[str, ...], list[SpanRecord]] = {}
    for span in facts.capture.spans:
        if span.kind == semconv.INVOKE_AGENT:
            by_path.setdefault(_path(facts, span), []).append(span)
    made: dict[tuple[str, ...], Participant] = {}
    for path, runs in by_path.items():
        made[path] = _participant(context, facts, path, runs, made.get(path[:-1]))
    ranks = {path: (_line(found), rank) for rank, (path, found) in enumerate(made.items())}
    return tuple(
        made[path]
        for path in sorted(made, key=lambda path: [ranks[path[:end]] for end in range(1, len(path) + 1)])
    )


def run_around(facts: Facts, span: int | None) -> SpanRecord | None:
    """The innermost run around a span, or itself."""
    return next((found for found in facts.ancestors(span) if found.kind == semconv.INVOKE_AGENT), None)


def evaluation_object(context: Context, evaluation: SpanRecord) -> ObjectConfiguration | None:
    """The script's object that an evaluation's span is of; `None` if that cannot be told."""
    found = [made for made in _having(context, {"func"}) if _evaluates(made, short(evaluation))]
    return found[0] if len(found) == 1 else None


def sessions(facts: Facts) -> dict[tuple[str, str], str]:
    """Users' sessions in order: user and id, and what the script calls it; empty if it has no name for it."""
    names: dict[tuple[str, str], str] = {}
    for run in facts.runs:
        names.setdefault((run.user, run.session), run.session_name if run.session_name != run.session else "")
    return names


def tool_function(context: Context, span: SpanRecord) -> Symbol | None:
    """The project's function that a tool call's span is of; `None` if it is not one."""
    if span.kind != semconv.EXECUTE_TOOL:
        return None
    symbol = context.edition.resolve(str(span.attributes.get(semconv.TOOL_NAME) or ""))
    return symbol if symbol and symbol.kind == "function" else None


def passed_line(context: Context, made: ObjectConfiguration, name: str) -> int | None:
    """The line of the script that passes a setting to an object; `None` if none does by its name."""
    calls = construction_sites(ast.parse(context.analysis.text))[made.site : made.site + 1]
    lines = (keyword.value.lineno for call in calls for keyword in call.keywords if keyword.arg == name)
    return next(lines, None)


def pass_title(context: Context, title: str) -> str:
    """The title of a pass, in the page's language."""
    titles = {
        "warm-up": context.say("warm-up pass"),
        "runtime": context.say("runtime pass"),
        "memory": context.say("memory pass"),
    }
    return titles.get(title, title)


def _path(facts: Facts, span: SpanRecord) -> tuple[str, ...]:
    runs = [found for found in facts.ancestors(span.id) if found.kind == semconv.INVOKE_AGENT]
    return tuple(str(run.attributes.get(semconv.AGENT_ID) or run.name) for run in reversed(runs))


def _participant(
    context: Context,
    facts: Facts,
    path: tuple[str, ...],
    runs: list[SpanRecord],
    around: Participant | None,
) -> Participant:
    attributes = runs[0].attributes
    name = str(attributes.get(semconv.AGENT_NAME) or path[-1])
    leader = around if around and around.leads else None
    parameters = _prompt_parameters(facts, runs[0])
    objects = tuple(
        made
        for made in _having(context, parameters)
        if _is_called(made, attributes.get(semconv.AGENT_ID), attributes.get(semconv.AGENT_NAME))
    )
    return Participant(
        path=path,
        name=name,
        leads="members" in parameters,
        team=leader.name if leader else "",
        runs=tuple(runs),
        objects=_of_team(objects, leader),
    )


def _prompt_parameters(facts: Facts, run: SpanRecord) -> set[str]:
    """Names of the parameters that the prompt of a run is made of."""
    built = (span for span in facts.inside(run, semconv.BUILD_PROMPT) if span.parent == run.id)
    return {row["parameter"] for span in built for row in span.attributes.get(semconv.PROMPT_SECTIONS) or ()}


def _having(context: Context, parameters: set[str]) -> Objects:
    """Objects with one of these settings."""
    return tuple(
        made
        for made in context.analysis.configurations
        if not parameters.isdisjoint(setting.name for setting in made.settings)
    )


def _is_called(made: ObjectConfiguration, identity: object, name: object) -> bool:
    """Whether an object has that id or, where none is passed, that name."""
    passed = {setting.name: setting.value for setting in made.settings if setting.source is not None}
    if passed.get("id") is not None:
        return passed["id"] == repr(identity)
    return passed.get("name", "None") == repr(name)


def _of_team(objects: Objects, leader: Participant | None) -> Objects:
    """Of several objects of one name those that the team's `members` name; all if it names none."""
    listed = leader.setting("members") if leader else None
    names = _identifiers(listed.source or "") if listed else set()
    return tuple(made for made in objects if made.variable in names) or objects


def _identifiers(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(f"({source})")) if isinstance(node, ast.Name)}


def _evaluates(made: ObjectConfiguration, name: str) -> bool:
    """Whether an object is an evaluation of that name: its own or, where it has none, its function's."""
    values = {setting.name: setting.value for setting in made.settings}
    own = values.get("name", "None")
    return values.get("func") == name if own == "None" else own == repr(name)


def _line(found: Participant) -> float:
    """Where the script makes it."""
    return min((made.line for made in found.objects), default=float("inf"))
