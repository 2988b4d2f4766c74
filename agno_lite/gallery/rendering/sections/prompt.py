"""System prompt assembly: the numbered sections, and the text that went over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agno_lite.gallery.rendering import wire
from agno_lite.gallery.rendering.escape import code, fence, inline, shortened, text
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import Setting, SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts

_SHOWN = 160
"""Characters of a section's text that the table shows; the whole text stands below it."""


def system_prompt(context: Context) -> str:
    """One table and one text per agent, of its last run, and the memory manager's text."""
    facts = context.facts
    if facts is None:
        return ""
    built: dict[str, list[SpanRecord]] = {}
    for span in facts.capture.spans:
        if span.kind == semconv.BUILD_PROMPT:
            built.setdefault(_agent(facts, span), []).append(span)
    agents = [_prompt(context, facts, agent, spans) for agent, spans in built.items()]
    manager = _manager(facts)
    if not agents and not manager:
        return ""
    return context.render("system_prompt.md", agents=agents, manager=manager and fence(manager, "text"))


def _agent(facts: Facts, span: SpanRecord) -> str:
    run = _run(facts, span)
    return str(run.attributes.get(semconv.AGENT_NAME) or run.name) if run else span.name


def _run(facts: Facts, span: SpanRecord) -> SpanRecord | None:
    """The innermost run around a span."""
    return next((found for found in facts.ancestors(span.parent) if found.kind == semconv.INVOKE_AGENT), None)


def _prompt(context: Context, facts: Facts, agent: str, spans: list[SpanRecord]) -> dict[str, object]:
    """The prompt of one agent, over all of its runs."""
    tables = [span.attributes.get(semconv.PROMPT_SECTIONS) or [] for span in spans]
    active = [{row["number"] for row in table if row["active"]} for table in tables]
    rows = [
        (
            str(row["number"]),
            _part(context, row),
            _value(context, row),
            _effect(context, sum(row["number"] in numbers for numbers in active), len(spans)),
        )
        for row in tables[-1]
    ]
    final = _final(facts, spans[-1])
    return {"name": code(agent), "rows": rows, "runs": len(spans), "text": final and fence(final, "text")}


def _part(context: Context, row: dict[str, Any]) -> str:
    setting = _setting(context, row["parameter"])
    symbol = setting.symbol if setting else None
    parameter = context.link(symbol, row["parameter"]) if symbol else code(row["parameter"])
    return f"{inline(context.edition.texts.translate(row['part']))} {parameter}"


def _value(context: Context, row: dict[str, Any]) -> str:
    """The section's text, or the setting that left it out."""
    if row["text"]:
        return text(shortened(" ".join(row["text"].split()), _SHOWN))
    setting = _setting(context, row["parameter"])
    value = (setting.value or setting.source) if setting else None
    return code(value if value is not None else "None")


def _setting(context: Context, name: str) -> Setting | None:
    """The setting of that name, where the object that it belongs to has a prompt."""
    settings = (setting for found in context.analysis.configurations for setting in found.settings)
    return next((setting for setting in settings if setting.name == name), None)


def _effect(context: Context, active: int, runs: int) -> str:
    if active in (0, runs):
        return context.say("yes") if active else context.say("no")
    return context.say("in %(active)d of %(runs)d runs", active=active, runs=runs)


def _final(facts: Facts, span: SpanRecord) -> str:
    """The instructions of the first request of the run that a prompt was built for."""
    run = _run(facts, span)
    requests = (
        wire.system_text(facts.request(exchange))
        for exchange in facts.capture.exchanges
        if run and facts.within(exchange.span, run) and facts.purpose(exchange) != semconv.UPDATE_MEMORY
    )
    return next(requests, "")


def _manager(facts: Facts) -> str:
    """The instructions of the last memory update."""
    texts = [
        wire.system_text(facts.request(exchange))
        for exchange in facts.capture.exchanges
        if facts.purpose(exchange) == semconv.UPDATE_MEMORY
    ]
    return texts[-1] if texts else ""
