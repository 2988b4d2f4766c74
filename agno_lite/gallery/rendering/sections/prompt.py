"""System prompt assembly: the numbered sections, and the text that went over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agno_lite.gallery.rendering import wire
from agno_lite.gallery.rendering.escape import code, fence, inline, shortened, text
from agno_lite.gallery.rendering.objects import participants, passed_line, run_around
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts
    from agno_lite.gallery.rendering.objects import Participant

_SHOWN = 160
"""Characters of a section's text that the table shows; the whole text stands below it."""


def system_prompt(context: Context) -> str:
    """One table and one text for each agent, leader and member, of its last run; memory managers' texts."""
    facts = context.facts
    if facts is None:
        return ""
    everybody = participants(context, facts)
    agents = [found for agent in everybody if (found := _prompt(context, facts, agent))]
    managers = _managers(facts, everybody)
    if not agents and not managers:
        return ""
    return context.render("system_prompt.md", agents=agents, managers=managers)


def _prompt(context: Context, facts: Facts, agent: Participant) -> dict[str, object] | None:
    """The prompt of one agent, over all of its runs; nothing if none was built."""
    own = {run.id: run for run in agent.runs}
    spans = [span for span in facts.capture.spans if span.kind == semconv.BUILD_PROMPT and span.parent in own]
    if not spans:
        return None
    tables = [span.attributes.get(semconv.PROMPT_SECTIONS) or [] for span in spans]
    active = [{row["number"] for row in table if row["active"]} for table in tables]
    rows = [
        (
            str(row["number"]),
            _part(context, agent, row),
            _value(context, agent, row),
            _effect(context, facts, sum(row["number"] in numbers for numbers in active), len(spans)),
        )
        for row in tables[-1]
    ]
    final = _final(facts, own[spans[-1].parent or 0])
    return {
        "title": _title(context, agent),
        "rows": rows,
        "text": final and fence(final, "text"),
    }


def _title(context: Context, agent: Participant) -> str:
    """What an agent is called, and its part in a team."""
    name, team = code(agent.name), code(agent.team)
    if agent.team and agent.leads:
        return context.say("%(name)s: member of %(team)s and leader", name=name, team=team)
    if agent.team:
        return context.say("%(name)s: member of %(team)s", name=name, team=team)
    return context.say("%(name)s: leader", name=name) if agent.leads else name


def _part(context: Context, agent: Participant, row: dict[str, Any]) -> str:
    setting = agent.setting(row["parameter"])
    symbol = setting.symbol if setting else None
    parameter = context.link(symbol, row["parameter"]) if symbol else code(row["parameter"])
    return f"{inline(context.edition.texts.translate(row['part']))} {parameter}"


def _value(context: Context, agent: Participant, row: dict[str, Any]) -> str:
    """The section's text, or the setting that left it out; with the line that passes it."""
    shown = text(shortened(" ".join((row["text"] or "").split()), _SHOWN)) or _left_out(agent, row)
    lines = [passed_line(context, made, row["parameter"]) for made in agent.objects]
    if len(lines) != 1 or lines[0] is None:
        return shown
    line = context.line(lines[0], context.say("line %(line)d", line=lines[0]))
    return f"{shown} ({line})"


def _left_out(agent: Participant, row: dict[str, Any]) -> str:
    """The value of the setting that left a section out; a dash if it is not known."""
    setting = agent.setting(row["parameter"])
    value = (setting.value or setting.source) if setting else None
    return "—" if value is None else code(value)


def _effect(context: Context, facts: Facts, active: int, runs: int) -> str:
    """Whether a section was in effect; in an evaluation in how many of the runs."""
    if not active:
        return context.say("no")
    if active == runs and not facts.evaluations:
        return context.say("yes")
    return context.say("in %(active)d of %(runs)d runs", active=active, runs=runs)


def _final(facts: Facts, run: SpanRecord) -> str:
    """The instructions of the first request of a run, those of runs inside and of memory updates left out."""
    requests = (
        wire.system_text(facts.request(exchange))
        for exchange in facts.capture.exchanges
        if run_around(facts, exchange.span) == run and facts.purpose(exchange) != semconv.UPDATE_MEMORY
    )
    return next(requests, "")


def _managers(facts: Facts, everybody: tuple[Participant, ...]) -> list[tuple[str, str]]:
    """In whose runs memories were kept, and the instructions of their last update, each text once."""
    names = {run.id: code(agent.name) for agent in everybody for run in agent.runs}
    last: dict[str, str] = {}
    for exchange in facts.capture.exchanges:
        if facts.purpose(exchange) == semconv.UPDATE_MEMORY:
            run = run_around(facts, exchange.span)
            last[names[run.id] if run else ""] = wire.system_text(facts.request(exchange))
    owners: dict[str, list[str]] = {}
    for name, instructions in last.items():
        owners.setdefault(instructions, []).append(name)
    return [(", ".join(filter(None, found)), fence(one, "text")) for one, found in owners.items() if one]
