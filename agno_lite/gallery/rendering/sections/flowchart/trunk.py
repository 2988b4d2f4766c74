"""The script's own flow: its first call, its runs and evaluations in order, its own reads, its result."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from agno_lite.gallery.records import SpanRecord
from agno_lite.gallery.rendering.facts import operation
from agno_lite.gallery.rendering.sections.flowchart.chart import Caller, limited
from agno_lite.gallery.rendering.sections.flowchart.evaluation import draw_evaluation, sent_directly
from agno_lite.gallery.rendering.sections.flowchart.turns import all_runs, draw_turns
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.gallery.rendering.facts import Facts, Fold
    from agno_lite.gallery.rendering.script import ScriptCall
    from agno_lite.gallery.rendering.sections.flowchart.chart import Chart
    from agno_lite.gallery.rendering.sections.flowchart.storage import Storage

    Part = SpanRecord | list[Fold]

MOST_READS = 4
"""Boxes for the script's own use of the database."""
_WRITING = ("save", "change", "clear")
"""How the names of operations begin that write."""


def draw_trunk(chart: Chart, storage: Storage) -> None:
    """Draw the flow from its first box to its last."""
    _entry(chart)
    _parts(chart, storage)
    _direct(chart)
    _stored(chart, storage)
    _result(chart)


def _entry(chart: Chart) -> None:
    call = chart.facts.script.entry
    label = _called(call) if call else chart.context.analysis.example.name
    chart.step("entry", label, chart.here(call.line if call else 1))


def _called(call: ScriptCall) -> str:
    """A call as a box shows it: `asyncio.run(main())`, `asyncio.run(evaluation.arun(…))`."""
    if not call.starts:
        return f"{call.text}()"
    inner = "" if call.sources[""].endswith("()") else "…"
    return f"{call.text}({call.starts}({inner}))"


def _parts(chart: Chart, storage: Storage) -> None:
    """Evaluations and the turns before, between and after them; each leaves a box to those after it."""
    shown, rest = limited(_in_order(chart.facts), max(1, chart.room - 1))
    for number, part in enumerate(shown, start=1):
        room = chart.room - bool(rest) - (len(shown) - number)
        if isinstance(part, SpanRecord):
            draw_evaluation(chart, part, room, storage)
        else:
            draw_turns(chart, part, room, storage)
    if rest:
        _rest(chart, rest)


def _in_order(facts: Facts) -> list[Part]:
    """Evaluations, and turns outside of them that follow each other, in canonical order."""
    outside = [fold for fold in facts.folds if fold.runs[0].iteration is None]
    started: list[tuple[int, SpanRecord | Fold]] = [(span.id, span) for span in facts.evaluations]
    started += [(fold.runs[0].span.id, fold) for fold in outside if fold.runs[0].span]
    ordered = [what for _, what in sorted(started, key=lambda one: one[0])]
    parts: list[Part] = []
    for measured, found in groupby(ordered, key=lambda what: isinstance(what, SpanRecord)):
        several = list(found)
        if measured:
            parts += [what for what in several if isinstance(what, SpanRecord)]
        else:
            parts.append([what for what in several if not isinstance(what, SpanRecord)])
    return parts


def _rest(chart: Chart, parts: Sequence[Part]) -> None:
    """One box for all parts that there is no room for."""
    evaluations = [part for part in parts if isinstance(part, SpanRecord)]
    spans = {span.id for span in evaluations}
    folds = [fold for part in parts if not isinstance(part, SpanRecord) for fold in part]
    measured = (run for run in chart.facts.runs if run.iteration)
    runs = (
        *all_runs(folds),
        *(run for run in measured if run.span and _evaluated(chart.facts, run.span.id) in spans),
    )
    more = chart.context.count("%(num)d more evaluation", "%(num)d more evaluations", len(evaluations))
    place = chart.at(chart.context.owner(evaluations[0])) if evaluations else chart.here(None)
    chart.callers.append(
        Caller(chart.step("turns", f"{more}\n{chart.work(runs)}", place, "evaluation"), runs)
    )


def _evaluated(facts: Facts, span: int) -> int | None:
    evaluation = facts.evaluation(span)
    return evaluation.id if evaluation else None


def _direct(chart: Chart) -> None:
    """Requests that the script sent itself, in no run and in no evaluation."""
    number = sent_directly(chart.facts, None)
    if number:
        say = chart.context.say("outside of the runs")
        chart.step("direct", f"{say}\n{chart.count_requests(number)}", chart.here(None), "model")


# --- the end -----------------------------------------------------------------------------------


def _stored(chart: Chart, storage: Storage) -> None:
    """What the script itself reads and writes at the end: one box for each call, however often it is made."""
    by_call: dict[str, list[tuple[SpanRecord, ScriptCall | None]]] = {}
    for span, call in chart.facts.reads:
        if not chart.facts.evaluation(span.id):
            by_call.setdefault(call.text if call else operation(span), []).append((span, call))
    for name, found in list(by_call.items())[:MOST_READS]:
        (span, call), spans = found[0], [each for each, _ in found]
        place = chart.here(call.line) if call else chart.at(chart.context.owner(span))
        box = chart.step("read", f"{name}() ×{len(found)}", place)
        if operation(span).startswith(_WRITING):
            chart.flow(box, storage.database, chart.context.say("what is kept"))
        else:
            chart.flow(storage.database, box, _read(chart, spans), dotted=True)


def _read(chart: Chart, spans: Sequence[SpanRecord]) -> str:
    """What the database gives: memories by number."""
    if operation(spans[0]) != "get_user_memories":
        return chart.context.say("what is stored")
    users = (str(span.attributes.get(semconv.USER_ID) or "") for span in spans)
    found = sum(len(chart.facts.memories(user)) for user in users)
    return chart.context.count("%(num)d memory", "%(num)d memories", found)


def _result(chart: Chart) -> None:
    """How the script ended."""
    capture = chart.facts.capture
    status = chart.context.say("exit status %(status)s", status=capture.exit_status)
    lines = len(chart.context.printed[0].strip().splitlines())
    printed = chart.context.count("%(num)d line printed", "%(num)d lines printed", lines)
    calls = chart.facts.script.calls
    label = f"{capture.failure or status}\n{printed}"
    chart.step("result", label, chart.here(calls[-1].line if calls else None), "result")
