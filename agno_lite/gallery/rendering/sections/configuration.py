"""Configuration at a glance: every object that the script constructs, and the run in figures."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import code, text
from agno_lite.gallery.rendering.facts import short

if TYPE_CHECKING:
    from agno_lite.gallery.records import ObjectConfiguration, Setting, SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts
    from agno_lite.gallery.rendering.script import ScriptCall


def configuration(context: Context) -> str:
    """A table per constructed object, and one of the run."""
    objects = [_object(context, found) for found in context.analysis.configurations]
    run = run_facts(context)
    return context.render("configuration.md", objects=objects, run=run) if objects or run else ""


def run_facts(context: Context) -> list[tuple[str, str]]:
    """What the run consisted of: name and value, as Markdown."""
    facts, say = context.facts, context.say
    if facts is None or not facts.runs:
        return []
    sessions = dict.fromkeys((run.user, run.session) for run in facts.runs)
    names = {(run.user, run.session): run.session_name for run in reversed(facts.runs)}
    listed = [code(names[session]) for session in sessions]
    return [
        (say("Users"), f"{len(facts.users)}: {', '.join(map(code, facts.users))}"),
        (say("Sessions"), f"{len(sessions)}: {', '.join(listed)}"),
        (say("Runs"), str(len(facts.runs))),
        (say("Requests to models"), str(len(facts.capture.exchanges))),
        (say("Way of running"), way_of_running(context)),
        *_measured(context),
    ]


def _measured(context: Context) -> list[tuple[str, str]]:
    """Time and memory of the run as measured."""
    figures = context.measurements
    if figures is None:
        return []
    return [
        (context.say("Requests at once, at most, as measured"), str(figures.most_at_once)),
        (context.say("Duration, as measured"), f"{figures.duration:.2f} s"),
        (context.say("Peak memory, as measured"), f"{figures.peak_memory / 2**20:.0f} MiB"),
    ]


def way_of_running(context: Context) -> str:
    """Whether runs follow each other or overlap, with the call that makes them."""
    facts = context.facts
    if facts is None or not facts.concurrent:
        return text(context.say("sequential: each run begins when the one before has ended"))
    if facts.groups:
        ways = dict.fromkeys(_group(context, facts, group) for group in facts.groups)
        return context.say("concurrent: %(ways)s", ways=", ".join(ways))
    way = text(context.say("concurrent: several runs are under way at the same time"))
    call = facts.script.concurrency
    return f"{way} ({_called(context, call)})" if call else way


def _group(context: Context, facts: Facts, group: SpanRecord) -> str:
    """`3 branches by asyncio.gather`, with the place of the call."""
    branches = context.count("%(num)d branch", "%(num)d branches", len(facts.branches(group)))
    call = facts.script.group(short(group)) if group.path == context.analysis.example.path else None
    by = _called(context, call) if call else code(short(group))
    return context.say("%(branches)s by %(call)s", branches=branches, call=by)


def _called(context: Context, call: ScriptCall) -> str:
    """A call by its name, and the line of the script that it stands on."""
    line = context.line(call.line, context.say("line %(line)d", line=call.line))
    return f"{code(call.text)}, {line}"


def _object(context: Context, found: ObjectConfiguration) -> dict[str, object]:
    name = context.link(found.symbol, found.cls) if found.symbol else code(found.cls)
    return {
        "title": code(found.variable or found.cls),
        "name": name,
        "line": context.line(found.line, context.say("line %(line)d", line=found.line)),
        "meaning": context.meaning(found.symbol),
        "passed": [_row(context, setting) for setting in found.settings if setting.source is not None],
        "read": [
            _row(context, setting) for setting in found.settings if setting.source is None and setting.read
        ],
    }


def _row(context: Context, setting: Setting) -> tuple[str, str, str]:
    name = context.link(setting.symbol, setting.name) if setting.symbol else code(setting.name)
    shown = setting.source if setting.source is not None else setting.value or ""
    value = code(" ".join(shown.split()))
    if setting.source is not None and setting.value is not None and not _same(setting):
        value = f"{value} → {code(setting.value)}"
    return name, value, context.meaning(setting.symbol)


def _same(setting: Setting) -> bool:
    """Whether the value says no more than the source text."""
    source, value = setting.source or "", setting.value or ""
    if value.endswith("(...)"):
        return source.startswith(value.removesuffix("...)"))
    try:
        return ast.dump(ast.parse(source)) == ast.dump(ast.parse(value))
    except SyntaxError:
        return source == value
