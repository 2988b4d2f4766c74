"""Evaluation results: the figures of each iteration as tables and plots, and where memory grew."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from agno_lite.gallery.rendering.bars import chart
from agno_lite.gallery.rendering.escape import attribute, code, text
from agno_lite.gallery.rendering.facts import short
from agno_lite.gallery.rendering.figures import KIB, Scale, outlier
from agno_lite.gallery.rendering.sections.allocations import allocations
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import Evaluation, Setting, SpanRecord
    from agno_lite.gallery.rendering.bars import Bar
    from agno_lite.gallery.rendering.edition import Context

FOLDED = 24
"""Iterations from which their table is folded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """One figure of each iteration."""

    name: str
    """What statistics over it are called."""
    title: str
    """What it is."""
    caption: str
    """The same in a sentence."""
    figures: tuple[float, ...]
    """In the order of the iterations."""
    scale: Scale
    """How they are written."""

    @property
    def head(self) -> str:
        """Heading of its column."""
        return f"{self.title} ({self.scale.unit})"


def results(context: Context) -> str:
    """The script's evaluations, in the order in which they began; none runs beside another."""
    facts = context.facts
    if facts is None or not facts.evaluations:
        return ""
    measured = list(context.measurements.evaluations) if context.measurements else []
    shown = []
    for span in facts.evaluations:
        figures = next((figures for figures in measured if figures.name == short(span)), None)
        if figures is not None:
            measured.remove(figures)
        shown.append(_evaluation(context, span, figures))
    return context.render("evaluation.md", evaluations=shown, folded=FOLDED)


def _evaluation(context: Context, span: SpanRecord, figures: Evaluation | None) -> dict[str, object]:
    """What is shown of one evaluation."""
    known = span.attributes.get(semconv.EVALUATION_RESULT) or {}
    requests = {name: list(known.get(f"{name}_requests") or ()) for name in ("run", "memory")}
    series = _series(context, figures) if figures else []
    return {
        "name": text(short(span)),
        "about": _about(context, span, requests, figures),
        "head": [
            context.say("Iteration"),
            *(item.head for item in series),
            *_request_heads(context, requests),
        ],
        "rows": _rows(series, _request_columns(requests)),
        "statistics": _statistics(context, figures, series) if figures else None,
        "charts": [_chart(context, span, item) for item in series],
        "remarks": _remarks(context, span, series),
        "allocations": allocations(context, figures.growth) if figures else None,
    }


def _series(context: Context, figures: Evaluation) -> list[_Series]:
    """The figures of the passes that were made, in the units in which evaluations print them."""
    say = context.say
    growth = tuple(growth.size / KIB for growth in figures.growth)
    found = (
        _Series(
            name="runtime",
            title=say("Run time"),
            caption=say("Run time of each iteration, in seconds"),
            figures=figures.run_times,
            scale=Scale.of(figures.run_times, "s"),
        ),
        _Series(
            name="memory",
            title=say("Memory at the peak"),
            caption=say("Memory at the peak of each iteration, in MiB"),
            figures=figures.memory_usages,
            scale=Scale.of(figures.memory_usages, "MiB"),
        ),
        _Series(
            name="growth",
            title=say("Growth"),
            caption=say("What each iteration left in memory, in KiB"),
            figures=growth,
            scale=Scale.of(growth, "KiB", signed=True),
        ),
    )
    return [series for series in found if series.figures]


# --- what it was -------------------------------------------------------------------------------


def _about(
    context: Context, span: SpanRecord, requests: dict[str, list[int]], figures: Evaluation | None
) -> list[str]:
    """Sentences: what an iteration is, how many there were, what was not measured, whence the figures are."""
    settings = _settings(context, short(span))
    sentences = [_iteration(context, settings.get("func")), *_passes(context, span)]
    sentences += _requests(context, [*requests["run"], *requests["memory"]])
    sentences += _omitted(context, settings)
    if span.error:
        sentences.append(context.say("The evaluation failed: %(error)s.", error=text(span.error)))
    elif figures is None:
        command = code(f"agno-lite gallery capture --measure {context.analysis.example.path}")
        sentences.append(context.say("The figures are missing: run %(command)s.", command=command))
    else:
        sentences.append(
            context.say(
                "The figures are from a run of their own that nothing recorded, since recording takes time "
                "and memory too; what is said of requests is from the recorded run."
            )
        )
    return [sentence for sentence in sentences if sentence]


def _settings(context: Context, name: str) -> dict[str, Setting]:
    """Settings of the one evaluation of that name; without a name of its own it has its function's."""
    made = [
        {setting.name: setting for setting in found.settings}
        for found in context.analysis.configurations
        if found.cls.rpartition(".")[2] == "PerformanceEval"
    ]
    same = [settings for settings in made if name == _name(settings)]
    return same[0] if len(same) == 1 else {}


def _name(settings: dict[str, Setting]) -> str:
    known = (_literal(settings[name]) for name in ("name", "func") if name in settings)
    return next((name for name in known if name), "")


def _literal(setting: Setting) -> str:
    """A text that is set, or the name of an object; empty if nothing is set."""
    try:
        return str(ast.literal_eval(setting.value or "") or "")
    except (ValueError, SyntaxError):
        return setting.value or ""


def _iteration(context: Context, function: Setting | None) -> str:
    """What one iteration is."""
    if function is None:
        return ""
    name = " ".join((function.source or "").split())
    symbol = context.edition.resolve(f"{context.analysis.example.path}::{name}")
    shown = context.link(symbol, f"{name}()") if symbol else code(name)
    return context.say("One iteration is a call of %(function)s.", function=shown)


def _passes(context: Context, span: SpanRecord) -> list[str]:
    """How many iterations there were; those that warm up are no iterations of anything measured."""
    passes = {name: len(calls) for name, calls in context.facts.passes(span).items()} if context.facts else {}
    warmed = passes.pop("warm-up", 0)
    sentences = [
        context.count("%(num)d call came first, to warm up.", "%(num)d calls came first, to warm up.", warmed)
        if warmed
        else context.say("No call came first to warm up.")
    ]
    names = {"runtime": context.say("run time"), "memory": context.say("memory")}
    for name, count in passes.items():
        iterations = context.count("%(num)d iteration", "%(num)d iterations", count)
        measured = names.get(name, text(name))
        sentences.append(
            context.say(
                "Measured for %(measured)s: %(iterations)s.", measured=measured, iterations=iterations
            )
        )
    return sentences


def _requests(context: Context, counts: list[int]) -> list[str]:
    """How many model requests an iteration made."""
    if not counts:
        return []
    least, most = min(counts), max(counts)
    if least == most:
        return [
            context.count("Each makes %(num)d model request.", "Each makes %(num)d model requests.", most)
        ]
    return [
        context.say(
            "They make %(least)d to %(most)d model requests; the table has the number of each.",
            least=least,
            most=most,
        )
    ]


def _omitted(context: Context, settings: dict[str, Setting]) -> list[str]:
    """What was not measured, with the setting that says so."""
    switches = {
        "measure_runtime": context.say("Run time was not measured"),
        "measure_memory": context.say("Memory was not measured"),
        "memory_growth_tracking": context.say("Growth was not tracked"),
    }
    off = {name: settings[name] for name in switches if name in settings and settings[name].value == "False"}
    if "measure_memory" in off:
        off.pop("memory_growth_tracking", None)
    return [
        context.say(
            "%(omitted)s (%(setting)s).", omitted=switches[name], setting=_assignment(context, setting)
        )
        for name, setting in off.items()
    ]


def _assignment(context: Context, setting: Setting) -> str:
    shown = f"{setting.name}={setting.value}"
    return context.link(setting.symbol, shown) if setting.symbol else code(shown)


# --- tables ------------------------------------------------------------------------------------


def _request_columns(requests: dict[str, list[int]]) -> list[list[int]]:
    """Requests of each pass; one column if the passes do not differ."""
    columns = [counts for counts in requests.values() if counts]
    return columns[:1] if columns[:1] == columns[1:] else columns


def _request_heads(context: Context, requests: dict[str, list[int]]) -> list[str]:
    columns = _request_columns(requests)
    if len(columns) < 2:
        return [context.say("Model requests")] * len(columns)
    return [context.say("Model requests, run time"), context.say("Model requests, memory")]


def _rows(series: list[_Series], requests: list[list[int]]) -> list[list[str]]:
    """A row for each iteration, under its number."""
    columns = [[item.scale.number(figure) for figure in item.figures] for item in series]
    columns += [[str(count) for count in counts] for counts in requests]
    cells = zip_longest(*columns, fillvalue="")
    return [[str(number), *row] for number, row in enumerate(cells, start=1)]


def _statistics(context: Context, figures: Evaluation, series: list[_Series]) -> dict[str, object] | None:
    """Statistics of the passes that were made, under the columns of the same figures."""
    say = context.say
    names = {
        "mean": say("Mean"),
        "minimum": say("Minimum"),
        "maximum": say("Maximum"),
        "standard_deviation": say("Standard deviation"),
        "median": say("Median"),
        "percentile_95": say("95th percentile"),
    }
    known = figures.statistics
    columns = [(item, known[item.name]) for item in series if item.name in known]
    if not columns:
        return None
    return {
        "head": [say("Statistic"), *(item.head for item, _ in columns)],
        "rows": [
            [shown, *(item.scale.number(sample[name]) for item, sample in columns)]
            for name, shown in names.items()
        ],
    }


# --- plots -------------------------------------------------------------------------------------


def _chart(context: Context, span: SpanRecord, series: _Series) -> dict[str, object]:
    """A plot of one figure, and the sentence on the iteration that stands out."""
    drawn = chart(series.figures, series.scale.number)
    return {
        "svg": context.render(
            "bars.svg",
            chart=drawn,
            label=attribute(f"{short(span)}: {series.caption}"),
            bars=[(bar, _told(context, series, bar)) for bar in drawn.bars],
            caption=_caption(context, series.caption, drawn.cut, drawn.grouped),
        ),
        "outlier": _outlier(context, series),
    }


def _told(context: Context, series: _Series, bar: Bar) -> str:
    """A bar for those who point at it."""
    value = series.scale.quantity(bar.value)
    return attribute(context.say("Iteration %(label)s: %(value)s", label=bar.label, value=value))


def _caption(context: Context, title: str, cut: bool, grouped: int) -> str:
    """What a plot shows, and how it departs from the figures."""
    notes = [
        context.say("interrupted bars are longer than they are drawn") if cut else "",
        context.say("a bar is the mean of up to %(count)d iterations", count=grouped) if grouped > 1 else "",
    ]
    return attribute(" · ".join([title, *(note for note in notes if note)]))


def _outlier(context: Context, series: _Series) -> str:
    """Which iteration took many times what the others did, if one did."""
    found = outlier(series.figures)
    if found is None:
        return ""
    return context.say(
        "%(title)s: iteration %(number)d has %(factor)s times the median of the others, %(figure)s against "
        "%(median)s.",
        title=series.title,
        number=found.index + 1,
        factor=found.factor,
        figure=series.scale.quantity(found.figure),
        median=series.scale.quantity(found.median),
    )


def _remarks(context: Context, span: SpanRecord, series: list[_Series]) -> list[str]:
    """Why the first iteration stands out, if it does, and what those after it left in all."""
    found = (outlier(item.figures) for item in series)
    remarks = []
    if any(one and one.index == 0 for one in found) and _is_first_call(context, span):
        remarks.append(
            context.say("Nothing ran before iteration 1: what is loaded or set up once is in its figures.")
        )
    for growth in series:
        if growth.name == "growth" and len(growth.figures) > 1:
            left = growth.scale.quantity(sum(growth.figures[1:]))
            remarks.append(context.say("All iterations after the first left %(left)s together.", left=left))
    return remarks


def _is_first_call(context: Context, span: SpanRecord) -> bool:
    """Whether an evaluation of a single pass is the first thing that the run recorded."""
    return context.facts is not None and span.id == len(context.facts.passes(span)) == 1
