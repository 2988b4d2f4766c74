"""Configuration at a glance: every object that the script constructs, and the run in figures."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.escape import code, text
from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.rendering.objects import PASSES, evaluation_object, pass_title, passed_line, sessions
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import ObjectConfiguration, Setting, SpanRecord
    from agno_lite.gallery.rendering.edition import Context
    from agno_lite.gallery.rendering.facts import Facts
    from agno_lite.gallery.rendering.script import ScriptCall


MOST_NAMES = 12
"""Users and sessions that are named; of more only the number is told."""


def configuration(context: Context) -> str:
    """A table per constructed object, equal ones together, and one of the run."""
    alike: dict[object, list[ObjectConfiguration]] = {}
    for found in context.analysis.configurations:
        alike.setdefault((found.cls, found.symbol, found.settings), []).append(found)
    objects = [_objects(context, found) for found in alike.values()]
    run = run_facts(context)
    return context.render("configuration.md", objects=objects, run=run) if objects or run else ""


def run_facts(context: Context) -> list[tuple[str, str]]:
    """What the run consisted of: name and value, as Markdown."""
    facts, say = context.facts, context.say
    if facts is None or not facts.runs:
        return []
    held = sessions(facts)
    return [
        (say("Users"), _counted(len(facts.users), list(facts.users))),
        (say("Sessions"), _counted(len(held), [name for name in held.values() if name])),
        *_iterations(context, facts),
        (say("Runs"), _runs(context, facts)),
        (say("Requests to models"), str(len(facts.capture.exchanges))),
        (say("Answers in a stream"), _streamed(context, facts)),
        (say("Way of running"), way_of_running(context)),
        *_measured(context),
    ]


def _counted(number: int, names: list[str]) -> str:
    """A number, and what is counted by name if that is not too much."""
    if not names or len(names) > MOST_NAMES:
        return str(number)
    return f"{number}: {', '.join(map(code, names))}"


def _iterations(context: Context, facts: Facts) -> list[tuple[str, str]]:
    """The iterations of each pass of each evaluation; of one that was not made the setting that says so."""
    rows = []
    for evaluation in facts.evaluations:
        passes = facts.passes(evaluation)
        made = [f"{text(pass_title(context, title))}: {len(found)}" for title, found in passes.items()]
        left_out = [
            f"{text(pass_title(context, title))}: {_not_made(context, evaluation, name)}"
            for title, name in PASSES.items()
            if title not in passes
        ]
        name = context.say("Iterations of %(name)s", name=code(short(evaluation)))
        rows.append((name, "<br>".join([*made, *left_out])))
    return rows


def _not_made(context: Context, evaluation: SpanRecord, name: str) -> str:
    """That a pass was not made, with the setting that left it out and its line."""
    made = evaluation_object(context, evaluation)
    setting = next((found for found in made.settings if found.name == name), None) if made else None
    if made is None or setting is None:
        return text(context.say("not made"))
    value = code(f"{name}={setting.source or setting.value}")
    line = passed_line(context, made, name)
    return context.say("not made, %(setting)s", setting=context.line(line, value) if line else value)


def _runs(context: Context, facts: Facts) -> str:
    """How many runs the script asked for, and how many of members they led to."""
    inside = sum(span.kind == semconv.INVOKE_AGENT for span in facts.capture.spans) - len(facts.runs)
    members = context.count("%(num)d run of members", "%(num)d runs of members", inside)
    return f"{len(facts.runs)} + {text(members)}" if inside else str(len(facts.runs))


def _streamed(context: Context, facts: Facts) -> str:
    """Whether models were asked for their answers in pieces."""
    exchanges = facts.capture.exchanges
    streamed = sum(exchange.streamed for exchange in exchanges)
    if streamed in (0, len(exchanges)):
        return context.say("yes") if streamed else context.say("no")
    return context.say("%(streamed)d of %(all)d", streamed=streamed, all=len(exchanges))


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
    if facts is None:
        return ""
    way = _way(context, facts)
    if any(run.iteration for run in facts.runs):
        return context.say("the evaluation's iterations one after another; in each of them %(way)s", way=way)
    return way


def _way(context: Context, facts: Facts) -> str:
    if not facts.concurrent:
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


def _objects(context: Context, alike: list[ObjectConfiguration]) -> dict[str, object]:
    """Objects with the same settings: one table, with the lines of all."""
    found = alike[0]
    name = context.link(found.symbol, found.cls) if found.symbol else code(found.cls)
    lines = [context.line(one.line, context.say("line %(line)d", line=one.line)) for one in alike]
    return {
        "title": ", ".join(dict.fromkeys(code(one.variable or one.cls) for one in alike)),
        "name": f"{name} ×{len(alike)}" if len(alike) > 1 else name,
        "line": ", ".join(lines),
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
