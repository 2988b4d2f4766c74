"""The runs that the script asks for: in a chain, or side by side where it starts several at the same time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.diagram import Edge
from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.rendering.sections.flowchart.chart import Caller
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agno_lite.gallery.records import SpanRecord
    from agno_lite.gallery.rendering.facts import Facts, Fold, Run
    from agno_lite.gallery.rendering.script import ScriptCall
    from agno_lite.gallery.rendering.sections.flowchart.chart import Chart
    from agno_lite.gallery.rendering.sections.flowchart.storage import Storage

_PLACEHOLDER = re.compile(r"<\w+:\d+>")
"""What stands for an id that nobody chose."""
MOST_ENDINGS = 6
"""Branches whose last words are shown, if no more stand side by side."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """Turns that follow each other, or that stand side by side."""

    name: str = ""
    """What starts them at the same time, such as `asyncio.gather`; empty if they follow each other."""
    groups: tuple[SpanRecord, ...] = ()
    """The group that they are branches of: of each iteration, one."""
    folds: list[Fold] = field(default_factory=list)
    """The turns."""

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs."""
        return all_runs(self.folds)


def all_runs(folds: Iterable[Fold]) -> tuple[Run, ...]:
    """The runs of some turns, those of later iterations included."""
    return tuple(chain.from_iterable(chain(fold.runs, *fold.repeats) for fold in folds))


def draw_turns(chart: Chart, folds: Sequence[Fold], room: int, storage: Storage) -> None:
    """Draw turns in as many boxes as there is room for; what comes after them shares one more."""
    rest: list[Fold] = []
    for stage in _stages(chart.facts, folds):
        room -= 2 if stage.name else 0
        each = 2 if stage.groups and len(stage.folds) <= MOST_ENDINGS else 1
        most = 0 if rest else max(0, (room - 1) // each)
        shown, more = stage.folds[:most], stage.folds[most:]
        rest += more
        room -= len(shown) * each
        if shown:
            _draw_stage(chart, replace(stage, folds=shown), storage)
    if rest:
        _draw_rest(chart, all_runs(rest))


def _draw_rest(chart: Chart, runs: tuple[Run, ...]) -> None:
    more = chart.context.count("%(num)d more run", "%(num)d more runs", len(runs))
    requests = chart.count_requests(sum(len(run.exchanges) for run in runs))
    line = runs[0].call.line if runs[0].call else None
    _note(chart, chart.step("turns", f"{more}\n{requests}", chart.here(line), "agent"), runs)


# --- stages ------------------------------------------------------------------------------------


def _stages(facts: Facts, folds: Sequence[Fold]) -> list[Stage]:
    """Turns by what starts them. A turn that only a later iteration has comes to those of its group."""
    stages: dict[object, Stage] = {}
    last: object = None
    for fold in folds:
        name, group = _group(facts, fold.runs[0])
        place = _place(facts, group) if group else name or ("after", last)
        stage = stages.setdefault(place, Stage(name=name))
        stage.folds.append(fold)
        last = place if name else last
        found = {span.id: span for span in stage.groups}
        runs = all_runs([fold])
        found |= {span.id: span for run in runs if (span := _group(facts, run)[1])}
        stage.groups = tuple(found.values())
    return list(stages.values())


def _group(facts: Facts, run: Run) -> tuple[str, SpanRecord | None]:
    """What makes a run overlap others: a group, or the script in some other way."""
    if run.branch is None:
        call = facts.script.concurrency
        return (call.text if call and facts.concurrent and not facts.groups else ""), None
    group = facts.spans.get(run.branch.parent or 0)
    return (short(group), group) if group else ("", None)


def _place(facts: Facts, group: SpanRecord) -> object:
    """What a group has in common with those at the same place of other iterations."""
    iteration = next((span for span in facts.ancestors(group.id) if span.kind == semconv.ITERATION), None)
    if iteration is None:
        return group.id
    return (short(group), facts.inside(iteration, semconv.GATHER).index(group))


def _draw_stage(chart: Chart, stage: Stage, storage: Storage) -> None:
    if stage.name:
        _draw_branches(chart, stage, storage)
    else:
        _draw_chain(chart, stage)


def _draw_chain(chart: Chart, stage: Stage) -> None:
    """Turns one after another, in a frame if there are several."""
    if len(stage.folds) == 1:
        _note(chart, _draw_turn(chart, stage.folds[0], ""), stage.runs)
        return
    runs = chart.count_runs(len(stage.runs))
    title = chart.frame(chart.context.say("%(runs)s, one after another", runs=runs))
    # A frame with no arrow to a box inside is laid out by itself, as one column.
    chart.arrive(title)
    chart.last = []
    for fold in stage.folds:
        _draw_turn(chart, fold, title)
    chart.last = [title]
    _note(chart, title, stage.runs)


def _draw_branches(chart: Chart, stage: Stage, storage: Storage) -> None:
    """Turns side by side: a chain for each branch between the fork and its join."""
    runs = chart.count_runs(len(stage.runs))
    title = chart.frame(chart.context.say("%(runs)s, branches at the same time", runs=runs))
    _fork(chart, stage)
    fork, ends = chart.last, dict[object, str]()
    turns: dict[str, Fold] = {}
    for fold in stage.folds:
        lane = _lane(fold.runs[0])
        chart.last = [ends[lane]] if lane in ends else fork
        ends[lane] = _draw_turn(chart, fold, title)
        turns[ends[lane]] = fold
        if not fold.runs[0].iteration:
            chart.talks.append(Caller(ends[lane], all_runs([fold])))
    chart.callers.append(Caller(title, stage.runs))
    chart.last = list(ends.values())
    if stage.groups:
        _join(chart, stage, turns, storage)


def _note(chart: Chart, place: str, runs: tuple[Run, ...]) -> None:
    """Note where runs begin."""
    chart.callers.append(Caller(place, runs))
    if not runs[0].iteration:
        chart.talks.append(Caller(place, runs))


def _lane(run: Run) -> object:
    return run.branch.id if run.branch else run.user


# --- boxes -------------------------------------------------------------------------------------


def _fork(chart: Chart, stage: Stage) -> None:
    """The call that starts several things at the same time."""
    call = chart.facts.script.group(stage.name)
    lines = [f"{stage.name}()"]
    counts = sorted({len(chart.facts.branches(group)) for group in stage.groups})
    if counts:
        most = chart.context.count("%(num)d branch", "%(num)d branches", counts[-1])
        lines.append(most if len(counts) == 1 else f"{counts[0]}–{most}")
    chart.step("gather", "\n".join(lines), chart.here(call.line if call else None))


def _draw_turn(chart: Chart, fold: Fold, frame: str) -> str:
    """A box for runs that belong together, in all iterations."""
    first = fold.runs[0]
    call = _call(chart, first)
    line = call.line if call else None
    lines = [f"{call.text}()" if call else first.agent, first.user]
    if first.branch is not None:
        function = short(first.branch).rpartition(".")[2]
        lines[0] = f"{function}()"
        line = chart.context.script.line(function) or line
    elif not (first.iteration or _PLACEHOLDER.fullmatch(first.session_name)):
        lines.append(first.session_name)
    lines.append(chart.work(all_runs([fold])))
    return chart.step("turn", "\n".join(line for line in lines if line), chart.here(line), "agent", frame)


def _call(chart: Chart, run: Run) -> ScriptCall | None:
    """The script's call that a run came from: the one that is known, or the only one that there is."""
    calls = [call for call in chart.facts.script.calls if call.asks_agent]
    return run.call or (calls[0] if len(calls) == 1 else None)


def _join(chart: Chart, stage: Stage, turns: dict[str, Fold], storage: Storage) -> None:
    """What branches print at their end, and the point at which all of them have ended."""
    ends = [end for turn in chart.last for end in _ended(chart, turn, turns, storage)]
    chart.last = ends
    call = chart.facts.script.group(stage.name)
    label = f"{stage.name}()\n{chart.context.say('all have ended')}"
    chart.step("join", label, chart.here(call.line if call else None))


def _ended(chart: Chart, turn: str, turns: dict[str, Fold], storage: Storage) -> list[str]:
    """The box of what a branch prints last, after the branch's box; else that one itself."""
    run = turns[turn].runs[0]
    call = chart.facts.script.printed(short(run.branch), chart.facts.capture.stdout) if run.branch else None
    if call is None or run.iteration or len(chart.last) > MOST_ENDINGS:
        return [turn]
    done = chart.box("done", call.values[""], "result", chart.here(call.line))
    # The last run waits for its memory update: the branch ends after both.
    for source in storage.updated(turns[turn].runs) or [turn]:
        chart.edges.append(Edge(source=source, target=done))
    return [done]
