"""An evaluation: its passes, the iterations of each, what is measured, what is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.diagram import Edge
from agno_lite.gallery.rendering.escape import shortened
from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.rendering.sections.flowchart.chart import Caller
from agno_lite.gallery.rendering.sections.flowchart.turns import draw_turns

if TYPE_CHECKING:
    from agno_lite.gallery.records import ObjectConfiguration, Setting, SpanRecord
    from agno_lite.gallery.rendering.facts import Facts, Fold, Run
    from agno_lite.gallery.rendering.sections.flowchart.chart import Chart, Place
    from agno_lite.gallery.rendering.sections.flowchart.storage import Storage

PASSES = {
    "warm-up": ("warmup_runs", ""),
    "runtime": ("measure_runtime", "agno_lite.eval.meters.Clock.stop"),
    "memory": ("measure_memory", "agno_lite.eval.meters.MemoryMeter.stop"),
}
"""The passes of an evaluation in order: the setting that asks for one, and what measures in it."""
COMPARES = "agno_lite.eval.meters.MemoryMeter.settle"
"""What compares snapshots."""
TABLES = {
    "iterations": "agno_lite.eval.printing.print_results",
    "memory growth": "agno_lite.eval.printing.print_growth",
    "summary": "agno_lite.eval.printing.print_summary",
}
"""Tables by the end of their titles, and what prints them."""
_OFF = ("0", "False")
"""Settings by which a pass is not made."""
_SHOWN = 40
"""Characters of an error that an arrow shows."""
_LEAST = 4
"""Boxes for turns without which an evaluation is drawn as one box."""


@dataclass(slots=True, kw_only=True)
class _Evaluation:
    """An evaluation that is being drawn."""

    chart: Chart
    span: SpanRecord
    configurations: list[ObjectConfiguration]
    """Where the script may have made it: once, or at several places that gave it the same name."""

    @property
    def name(self) -> str:
        """What it is called."""
        return short(self.span)

    @property
    def passes(self) -> dict[str, list[SpanRecord]]:
        """Iterations by pass."""
        return self.chart.facts.passes(self.span)

    @property
    def place(self) -> Place:
        """Where it is made, else what carries it out."""
        if self.configurations:
            return self.chart.here(self.configurations[0].line)
        return self.chart.at(self.chart.context.owner(self.span))

    def setting(self, name: str) -> Setting | None:
        """A setting, if it is known: objects of one name may be set differently."""
        found = [each for made in self.configurations for each in made.settings if each.name == name]
        known = len(found) == len(self.configurations) and len({each.value for each in found}) == 1
        return found[0] if known else None

    def set_at(self, name: str) -> Place:
        """Where a setting is given: in the script, else its default."""
        line = self.configurations[0].line if self.configurations else None
        calls = (call for call in self.chart.facts.script.calls if call.line == line and name in call.lines)
        call = next(calls, None)
        setting = self.setting(name)
        if call is None and setting is not None and setting.source is None and setting.symbol:
            return self.chart.at(setting.symbol)
        return self.chart.here(call.lines[name]) if call else self.place


def draw_evaluation(chart: Chart, span: SpanRecord, room: int, storage: Storage) -> None:
    """Draw an evaluation; as one box where there is room for no more."""
    configurations = [made for made in chart.context.analysis.configurations if _is(made, short(span))]
    evaluation = _Evaluation(chart=chart, span=span, configurations=configurations)
    made = evaluation.passes
    room -= 2 + len(dict.fromkeys([*PASSES, *made])) + 3 * len(made)
    if room < _LEAST:
        _whole(evaluation)
        return
    box = chart.step("evaluation", evaluation.name, evaluation.place, "evaluation")
    skipped = [_left_out(evaluation, title) for title in PASSES if title not in made]
    for title in made:
        _pass(evaluation, title, room if title == list(made)[-1] else 0, storage)
    # What comes last stands on the right, where there is room: the loop goes back on the left.
    for name, answer in skipped:
        chart.flow(box, name, answer, dotted=True)
    _tables(evaluation)


def sent_directly(facts: Facts, outer: SpanRecord | None) -> int:
    """How many requests were sent inside a span, or outside of evaluations, in no run of an agent."""
    exchanges = [one for one in facts.capture.exchanges if not facts.runs_around(one)]
    if outer is None:
        return sum(facts.evaluation(exchange.span) is None for exchange in exchanges)
    return sum(facts.within(exchange.span, outer) for exchange in exchanges)


def _is(configuration: ObjectConfiguration, name: str) -> bool:
    """Whether an object is the evaluation of that name: its own, else its function's."""
    values = {setting.name: setting.value for setting in configuration.settings}
    if values.get("name", "None") == "None":
        return values.get("func") == name
    return "func" in values and values["name"] == repr(name)


def _whole(evaluation: _Evaluation) -> None:
    """A whole evaluation in one box."""
    chart, made = evaluation.chart, evaluation.passes
    runs = [run for iterations in made.values() for run in _runs(chart.facts, iterations)]
    passes = ", ".join(f"{_title(chart, title)} ×{len(found)}" for title, found in made.items())
    label = "\n".join([evaluation.name, passes, *_work(evaluation, runs, evaluation.span)])
    place = chart.step("evaluation", label, evaluation.place, "evaluation")
    chart.callers.append(Caller(place, tuple(runs)))


# --- passes ------------------------------------------------------------------------------------


def _title(chart: Chart, title: str) -> str:
    """What a pass is called on a page."""
    say = chart.context.say
    names = {"warm-up": say("warm-up pass"), "runtime": say("runtime pass"), "memory": say("memory pass")}
    return names.get(title, title)


def _left_out(evaluation: _Evaluation, title: str) -> tuple[str, str]:
    """The box of a pass that was not made, beside the flow, and the setting by which it was not."""
    chart, name = evaluation.chart, PASSES[title][0]
    setting = evaluation.setting(name)
    off = setting is not None and setting.value in _OFF
    place = evaluation.set_at(name) if off else evaluation.place
    failed = evaluation.span.error and not off
    why = chart.context.say("not reached") if failed else chart.context.say("not made")
    label = f"{_title(chart, title)}\n{why}"
    box = chart.inside("skipped", label, "skipped", place)
    return box, f"{name}={setting.value}" if off and setting else ""


def _pass(evaluation: _Evaluation, title: str, room: int, storage: Storage) -> None:
    """A pass: its iterations in a loop. Without room for their turns they are told in one box."""
    chart, iterations = evaluation.chart, evaluation.passes[title]
    measured = chart.facts.spans[iterations[0].parent or 0] if iterations else evaluation.span
    setting = PASSES.get(title, ("", ""))[0]
    chart.step("pass", _title(chart, title), evaluation.set_at(setting), "evaluation")
    folds = _folds(chart.facts, iterations)
    first = _function(evaluation, iterations, measured, told=not room)
    if room and folds:
        draw_turns(chart, folds, room, storage)
    elif folds:
        chart.callers.append(Caller(first, tuple(_runs(chart.facts, iterations))))
    _meter(evaluation, title)
    _more(evaluation, first, len(iterations), measured.error)


def _folds(facts: Facts, iterations: list[SpanRecord]) -> list[Fold]:
    ids = {span.id for span in iterations}
    return [fold for fold in facts.folds if (span := fold.runs[0].iteration) and span.id in ids]


def _runs(facts: Facts, iterations: list[SpanRecord]) -> list[Run]:
    ids = {span.id for span in iterations}
    return [run for run in facts.runs if run.iteration and run.iteration.id in ids]


def _function(
    evaluation: _Evaluation, iterations: list[SpanRecord], measured: SpanRecord, *, told: bool
) -> str:
    """The box of the function under evaluation; with all that it did, if nothing follows that tells it."""
    chart = evaluation.chart
    setting = evaluation.setting("func")
    source = setting.source if setting and setting.source else evaluation.name
    name = f"{source}()" if source.isidentifier() else source
    line = chart.context.script.line(source)
    runs = _runs(chart.facts, iterations) if told else []
    label = "\n".join([f"{name} ×{len(iterations)}", *_work(evaluation, runs, measured)])
    return chart.step(
        "calls" if told else "function", label, chart.here(line) if line else evaluation.set_at("func")
    )


def _work(evaluation: _Evaluation, runs: list[Run], span: SpanRecord) -> list[str]:
    """What was done: runs with their requests, requests in no run."""
    chart = evaluation.chart
    direct = sent_directly(chart.facts, span)
    say = chart.context.say("outside of the runs")
    told = [chart.work(runs)] if runs else []
    return [*told, f"{say}: {chart.count_requests(direct)}"] if direct else told


def _meter(evaluation: _Evaluation, title: str) -> None:
    """What is measured of each call, and by which function."""
    chart, meter = evaluation.chart, PASSES.get(title, ("", ""))[1]
    if not meter:
        return
    say = chart.context.say
    lines = [say("time of the call") if title == "runtime" else say("most memory that the call needs")]
    growth = evaluation.setting("memory_growth_tracking")
    if title == "memory" and growth and growth.value == "True":
        meter = COMPARES
        lines.append(say("snapshots before and after it are compared"))
    lines.append(f"{'.'.join(meter.rsplit('.', 2)[1:])}()")
    symbol = chart.context.edition.resolve(meter)
    chart.step("meter", "\n".join(lines), chart.at(symbol) if symbol else evaluation.place, "evaluation")


def _more(evaluation: _Evaluation, first: str, number: int, error: str | None) -> None:
    """The question after each iteration: back, or on; an error leads on as well."""
    chart, say = evaluation.chart, evaluation.chart.context.say
    count = chart.context.count("%(num)d iteration", "%(num)d iterations", number)
    place = evaluation.set_at("num_iterations")
    box = chart.step("more", f"{say('more iterations?')}\n{count}", place, "decision")
    again = say("yes") if number > 1 else f"{say('yes')}: {say('not taken')}"
    chart.edges.append(Edge(source=box, target=first, label=again, step=True, dotted=number < 2))
    chart.answer = shortened(error, _SHOWN) if error else say("no")


def _tables(evaluation: _Evaluation) -> None:
    """The tables that were printed: those under whose titles something stands in the output."""
    chart = evaluation.chart
    output = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", chart.facts.capture.stdout).split())
    printed = [title for title in TABLES if f"{evaluation.name}: {title}" in output]
    if not printed:
        return
    functions = [f"{TABLES[title].rpartition('.')[2]}()" for title in printed]
    symbol = chart.context.edition.resolve(TABLES[printed[0]])
    label = "\n".join([chart.context.say("tables are printed"), *functions])
    chart.step("tables", label, chart.at(symbol), "result")
