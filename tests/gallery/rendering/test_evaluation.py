"""Evaluation results: tables, plots and the lines that grew, from figures of every kind."""

from __future__ import annotations

import dataclasses
import re
import statistics
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agno_lite.gallery.records import (
    Allocation,
    Evaluation,
    Growth,
    Measurements,
    ObjectConfiguration,
    Place,
    Setting,
)
from agno_lite.gallery.rendering import render_example
from agno_lite.gallery.rendering.bars import BARS, chart
from agno_lite.gallery.rendering.figures import Scale, outlier
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agno_lite.gallery.records import Analysis
    from agno_lite.gallery.rendering import Edition

    CaptureBuilder = Any
    Make = Callable[..., str]
    Render = Callable[[str], BeautifulSoup]
    Part = Callable[[BeautifulSoup, str], BeautifulSoup]

PATH = "cookbook/09_evals/performance/x.py"
MEASURED = (15.9877, 0.4366, 0.4762, 0.4896, 0.4576)
GREW = (16_119_101, 13_157, -8_040, 4_924, 0)


def sample(figures: Sequence[float]) -> dict[str, float]:
    """Statistics, each written to be told apart."""
    return {
        "mean": statistics.fmean(figures),
        "minimum": min(figures),
        "maximum": max(figures),
        "standard_deviation": 6.9421,
        "median": statistics.median(figures),
        "percentile_95": 12.8885,
    }


def allocation(path: str, line: int, size: int, function: str = "", text: str = "") -> Allocation:
    """What a line added."""
    return Allocation(path=path, line=line, function=function, text=text, size=size, count=size // 100)


def evaluation(
    memory: Sequence[float] = MEASURED, growth: Sequence[int | Growth] = GREW, **changes: Any
) -> Evaluation:
    """Figures of a memory pass."""
    known = {
        "name": "Team Memory Impact",
        "memory_usages": tuple(memory),
        "growth": tuple(one if isinstance(one, Growth) else Growth(size=one, lines=()) for one in growth),
        "statistics": {"memory": sample(memory)} if memory else {},
    }
    return Evaluation(**(known | changes))


def configuration(**values: str) -> ObjectConfiguration:
    """An evaluation that the script constructs."""
    shown = {"func": "run_team", "name": "'Team Memory Impact'", "measure_runtime": "False"} | values
    made = (
        Setting(name=name, source=value, value=value, read=True, symbol=None) for name, value in shown.items()
    )
    return ObjectConfiguration(
        site=0, line=5, cls="PerformanceEval", variable="impact", symbol=None, settings=tuple(made)
    )


@pytest.fixture
def made(
    builder: CaptureBuilder, edition_of: Callable[..., Edition], analysis: Callable[..., Analysis]
) -> Make:
    """Makes the page of one evaluation."""

    def make(
        figures: Evaluation | None,
        *,
        locale: str = "en",
        requests: dict[str, Sequence[int]] | None = None,
        warmed: int = 0,
        error: bool = False,
        evaluations: int = 1,
        locate: Callable[[Allocation], Place | None] = lambda _: None,
        **values: str,
    ) -> str:
        recorded = type(builder)()
        counted = requests or {"memory": (35,) * 5}
        name = figures.name if figures else "Team Memory Impact"
        result = {"name": name} | {f"{key}_requests": list(counted.get(key, ())) for key in ("run", "memory")}
        attributes = {} if error else {semconv.EVALUATION_RESULT.replace(".", "__"): result}
        outer = recorded.span(None, semconv.EVALUATE, f"{semconv.EVALUATE} {name}", **attributes)
        passes = {"warm-up": warmed, **{k: len(v) for k, v in counted.items()}}
        for title, count in passes.items():
            if count:
                measured = recorded.span(outer, semconv.MEASURE, f"{semconv.MEASURE} {title}")
                for number in range(1, count + 1):
                    recorded.span(measured, semconv.ITERATION, f"{semconv.ITERATION} {number}")
        if error:
            recorded.spans[0] = dataclasses.replace(recorded.spans[0], error="EvaluationError: no *work*")
        page = render_example(
            analysis(configurations=(configuration(**values),) * evaluations),
            recorded.capture(),
            Measurements(example=PATH, duration=1, peak_memory=1, evaluations=(figures,) if figures else ()),
            {},
            edition_of(locale, locate=locate),
        )
        return page.markdown

    return make


@pytest.fixture
def shown(made: Make, render: Render, part: Part) -> Callable[..., BeautifulSoup]:
    """The section as the site renders it."""
    return lambda *args, **options: part(render(made(*args, **options)), "results")


def rows(soup: BeautifulSoup, number: int = 0) -> list[list[str]]:
    """The cells of a table."""
    table = soup.find_all("table")[number]
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.find_all(["th", "td"])]
        for row in table.find_all("tr")
    ]


def values(soup: BeautifulSoup, number: int = 0) -> list[list[str]]:
    """Label and value of each bar of a plot."""
    drawing = soup.select("figure.bars > svg")[number]
    return [[text.get_text() for text in bar.find_all("text")] for bar in drawing.find_all("g")]


def test_tables(shown: Callable[..., BeautifulSoup]) -> None:
    """Figures of each iteration with its requests, and the statistics of the pass that was made."""
    soup = shown(evaluation())
    assert rows(soup) == [
        ["Iteration", "Memory at the peak (MiB)", "Growth (KiB)", "Model requests"],
        ["1", "15.988", "+15,741.3", "35"],
        ["2", "0.437", "+12.8", "35"],
        ["3", "0.476", "-7.9", "35"],
        ["4", "0.490", "+4.8", "35"],
        ["5", "0.458", "+0.0", "35"],
    ]
    assert rows(soup, 1) == [
        ["Statistic", "Memory at the peak (MiB)"],
        ["Mean", "3.570"],
        ["Minimum", "0.437"],
        ["Maximum", "15.988"],
        ["Standard deviation", "6.942"],
        ["Median", "0.476"],
        ["95th percentile", "12.889"],
    ]


def test_what_is_said(shown: Callable[..., BeautifulSoup]) -> None:
    """An iteration, the passes, what was left out and by which setting, the outlier, what was left in all."""
    said = shown(evaluation()).get_text()
    for sentence in (
        "One iteration is a call of run_team.",
        "No call came first to warm up.",
        "Measured for memory: 5 iterations.",
        "Each makes 35 model requests.",
        "Run time was not measured (measure_runtime=False).",
        "from a run of their own that nothing recorded",
        "Memory at the peak: iteration 1 has 34 times the median of the others, 15.988 MiB against",
        "Nothing ran before iteration 1",
        "All iterations after the first left +9.8 KiB together.",
    ):
        assert sentence in said
    assert "Growth was not" not in said
    assert "Memory was not" not in said


def test_both_passes_after_a_warm_up(shown: Callable[..., BeautifulSoup]) -> None:
    """Run times have columns and a plot too; requests that differ between passes have a column each."""
    figures = evaluation(
        memory=(2.0, 2.1),
        growth=(),
        run_times=(0.000123, 0.000456),
        statistics={"runtime": sample((0.000123, 0.000456)), "memory": sample((2.0, 2.1))},
    )
    requests = {"run": (3, 3), "memory": (3, 4)}
    off = {"measure_runtime": "True", "memory_growth_tracking": "False"}
    soup = shown(figures, requests=requests, warmed=2, **off)
    heads = ["Run time (s)", "Memory at the peak (MiB)"]
    assert rows(soup)[0] == ["Iteration", *heads, "Model requests, run time", "Model requests, memory"]
    assert rows(soup)[2] == ["2", "0.000456", "2.10", "3", "4"]
    assert rows(soup, 1)[0] == ["Statistic", *heads]
    said = soup.get_text()
    assert "2 calls came first, to warm up." in said
    assert "They make 3 to 4 model requests" in said
    assert "Growth was not tracked (memory_growth_tracking=False)." in said
    assert "Run time was not" not in said
    assert "Nothing ran before" not in said
    assert len(soup.select("figure.bars")) == 2


def test_without_memory_growth_is_not_excused(shown: Callable[..., BeautifulSoup]) -> None:
    """One switch turned off both."""
    figures = evaluation(memory=(), growth=(), run_times=(1.0,), statistics={"runtime": sample((1.0,))})
    off = {"measure_runtime": "True", "measure_memory": "False", "memory_growth_tracking": "False"}
    said = shown(figures, requests={"run": (1,)}, **off).get_text()
    assert "Memory was not measured (measure_memory=False)." in said
    assert "Growth was not" not in said


@pytest.mark.parametrize("figures", [None, evaluation(name="Team Memory Impact")])
def test_without_figures_facts_are_left(
    shown: Callable[..., BeautifulSoup], figures: Evaluation | None
) -> None:
    """Requests and iterations are known from the recorded run; a remedy is named."""
    soup = shown(figures)
    missing = figures is None
    assert ("The figures are missing: run agno-lite gallery capture --measure" in soup.get_text()) is missing
    assert "Each makes 35 model requests." in soup.get_text()
    assert [row[-1] for row in rows(soup)] == ["Model requests", *["35"] * 5]
    assert len(rows(soup)[0]) == (2 if missing else 4)
    assert bool(soup.select("figure")) is not missing


def test_settings_are_those_of_the_evaluation(shown: Callable[..., BeautifulSoup]) -> None:
    """It is known by its name, or if it has none by its function; nothing is said of another's settings."""
    said = shown(evaluation(name="Other")).get_text()
    assert "Other" in said
    assert "measure_runtime" not in said
    assert "One iteration is" not in said
    unnamed = shown(evaluation(name="run_team"), name="None").get_text()
    assert "Run time was not measured (measure_runtime=False)." in unnamed
    ambiguous = shown(evaluation(), evaluations=2).get_text()
    assert "measure_runtime" not in ambiguous


def test_bars_have_their_values(shown: Callable[..., BeautifulSoup]) -> None:
    """Values stand at the bars; the outlier is interrupted and said to be; negative growth leads left."""
    soup = shown(evaluation())
    assert values(soup) == [["1", "15.988"], ["2", "0.437"], ["3", "0.476"], ["4", "0.490"], ["5", "0.458"]]
    assert [bar[1] for bar in values(soup, 1)] == ["+15,741.3", "+12.8", "-7.9", "+4.8", "+0.0"]
    memory, growth = soup.select("figure.bars")
    assert len(memory.select(".break")) == 1
    assert "interrupted bars are longer than they are drawn" in memory.get_text()
    assert len(growth.select("rect.less")) == 1
    (drawing,) = memory.select("figure > svg")
    assert drawing["role"] == "img"
    assert drawing["aria-label"] == "Team Memory Impact: Memory at the peak of each iteration, in MiB"
    assert drawing.select("title")[0].get_text() == drawing["aria-label"]
    assert drawing.select("g > title")[1].get_text() == "Iteration 2: 0.437 MiB"


def test_a_plot_is_one_block(made: Make) -> None:
    """An empty line would end the block of HTML, in any Markdown."""
    blocks = re.findall(r"^<figure.*?^</figure>\n", made(evaluation()), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    assert not any("\n\n" in block for block in blocks)
    assert not any("<script" in block or "http" in block for block in blocks)


def test_names_are_not_markup(shown: Callable[..., BeautifulSoup]) -> None:
    """A name of an evaluation is text, in the heading and in the plot."""
    nasty = '<b>`x`</svg></figure> "q" *y* {{ 1 }} |'
    soup = shown(evaluation(name=nasty))
    assert soup.select("h3")[0].get_text().startswith(nasty)
    assert str(soup.select("svg")[0]["aria-label"]).startswith(nasty)
    assert soup.find("b") is None
    assert len(soup.select("figure.bars > svg")) == 2


def test_a_thousand_iterations(shown: Callable[..., BeautifulSoup]) -> None:
    """The table is folded and whole; the plot has few bars, the first iteration one of its own."""
    memory = (90.0, *(1 + number % 7 / 10 for number in range(999)))
    soup = shown(evaluation(memory=memory, growth=()), requests={"memory": (1,) * 1000})
    assert len(rows(soup)) == 1001
    assert soup.select("details table")
    bars = values(soup)
    assert len(bars) <= BARS
    assert bars[:2] == [["1", "90.00"], ["2–45", bars[1][1]]]
    assert bars[-1][0].endswith("–1000")
    assert "a bar is the mean of up to 44 iterations" in soup.select("figcaption")[0].get_text()


LINES = (
    Growth(size=9, lines=(allocation("typing.py", 9, 90_000),)),
    Growth(
        size=9,
        lines=(
            allocation("pydantic/fields.py", 743, 1024),
            allocation("agno_lite/a.py", 3, 2048, "Agent.arun", "x = [1] | y"),
            allocation("agno_lite/b.py", 4, 512, "go", "gone = 1"),
            allocation("agno_lite/c.py", 5, 256, "lost", "gone = 2"),
        ),
    ),
    Growth(size=9, lines=(allocation("agno_lite/a.py", 3, 1024, "Agent.arun", "x = [1] | y"),)),
)
PLACES = {
    "agno_lite/a.py": Place(path="agno_lite/a.py", line=30, exact=True),
    "agno_lite/b.py": Place(path="agno_lite/b.py", line=40),
    "agno_lite/c.py": Place(path="agno_lite/c.py"),
}


def test_lines_that_grew(shown: Callable[..., BeautifulSoup]) -> None:
    """By line, a column for each later iteration; linked where they are now; the first one's are folded."""
    soup = shown(
        evaluation(memory=MEASURED[:3], growth=LINES),
        locate=lambda line: PLACES.get(line.path),
    )
    assert rows(soup, 2) == [
        ["Line", "No. 2", "No. 3", "Together"],
        ["agno_lite/a.py:30 Agent.arun x = [1] | y", "+2.00", "+1.00", "+3.00"],
        ["pydantic/fields.py:743", "+1.00", "–", "+1.00"],
        ["agno_lite/b.py go gone = 1", "+0.50", "–", "+0.50"],
        ["agno_lite/c.py lost gone = 2", "+0.25", "–", "+0.25"],
    ]
    links = {link.get_text(): str(link["href"]) for link in soup.find_all("table")[2].find_all("a")}
    assert {name: link.rpartition("source/")[2] for name, link in links.items()} == {
        "agno_lite/a.py:30": "agno_lite/a.py.md#__codelineno-0-30",
        "agno_lite/b.py": "agno_lite/b.py.md#__codelineno-0-40",
        "agno_lite/c.py": "agno_lite/c.py.md",
    }
    assert "A dash: the line was not among" in soup.get_text()
    fold = soup.select_one("details:has(summary)")
    assert fold is not None
    assert "typing.py:9" in fold.get_text()
    assert "typing.py:9" not in str(soup).replace(str(fold), "")


def test_lines_of_many_iterations_are_counted(shown: Callable[..., BeautifulSoup]) -> None:
    """In how many iterations a line grew, and how much at most; the least are left out, and counted."""
    often = tuple(
        Growth(
            size=1,
            lines=(
                allocation("a.py", 1, 1024 * (1 + number % 3)),
                allocation(f"b{number}.py", 1, 512),
            ),
        )
        for number in range(40)
    )
    soup = shown(evaluation(memory=(1.0,) * 40, growth=often))
    table = rows(soup, 2)
    assert table[0] == ["Line", "Iterations", "Most", "Together"]
    total = sum(1 + number % 3 for number in range(1, 40))
    assert table[1] == ["a.py:1", "39 of 39", "+3.00", f"+{total}.00"]
    assert len(table) == 26
    assert "15 more lines grew less." in soup.get_text()
    assert "A dash" not in soup.get_text()


def test_in_chinese(made: Make, render: Render, part: Part) -> None:
    """Every word of the section is translated."""
    soup = part(render(made(evaluation(growth=(*LINES, *LINES[:2])), locale="zh")), "results")
    names = r"Team Memory Impact|run_team|measure_runtime=False|MiB|KiB|agno_lite\S+|pydantic\S+|typing\S+"
    rest = re.sub(rf"{names}|Agent.arun|lost|gone = |go", "", soup.get_text())
    assert re.findall(r"[A-Za-z]{2,}", rest) == []


def test_an_example_without_evaluations_has_no_such_section(
    page_of: Callable[..., Any], render: Render
) -> None:
    """The section is about evaluations only."""
    assert render(page_of().markdown).find("h2", id="results") is None


def test_a_failed_evaluation(shown: Callable[..., BeautifulSoup]) -> None:
    """It has no result: its iterations are counted, and nothing is tabled."""
    soup = shown(None, error=True)
    assert "Measured for memory: 5 iterations." in soup.get_text()
    assert "The evaluation failed: EvaluationError: no *work*." in soup.get_text()
    assert "missing" not in soup.get_text()
    assert soup.find("table") is None


# --- geometry and digits -----------------------------------------------------------------------

FIGURES = st.floats(min_value=-1e12, max_value=1e12, allow_subnormal=False)


@given(st.lists(FIGURES, min_size=1, max_size=120))
def test_bars_stay_in_the_drawing(figures: list[float]) -> None:
    """All figures are in some bar, in order; bars lie within the width, to scale unless they are cut."""
    drawn = chart(figures, lambda figure: f"{figure:+,.1f}")
    assert len(drawn.bars) <= BARS
    ends = [(bar.first, bar.last) for bar in drawn.bars]
    assert ends[0] == (1, 1)
    assert ends[-1][1] == len(figures)
    assert all(one[1] + 1 == other[0] for one, other in pairwise(ends))
    for bar in drawn.bars:
        assert drawn.labels < bar.left + 0.01
        assert bar.right <= 100
        assert bar.width >= 0
        side = bar.right if bar.value < 0 else bar.left
        assert side == pytest.approx(drawn.zero, abs=0.01)
    exact = [bar for bar in drawn.bars if not bar.cut]
    longest = max(exact, key=lambda bar: abs(bar.value))
    for bar in exact:
        share = abs(bar.value) / abs(longest.value) if longest.value else 0
        assert bar.width == pytest.approx(longest.width * share, abs=0.01)
    for bar in drawn.bars:
        assert bar.width >= longest.width or not bar.cut


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=20), st.floats(100, 1e9))
def test_one_outlier_leaves_the_others_readable(others: list[float], figure: float) -> None:
    """The others differ in length as they do in size, however large the outlier is."""
    drawn = chart([figure, *others], str)
    assert [bar.cut for bar in drawn.bars] == [True, *[False] * len(others)]
    assert max(bar.width for bar in drawn.bars[1:]) == pytest.approx(drawn.bars[0].width / 1.25, abs=0.01)


@pytest.mark.parametrize(
    ("figures", "unit", "expected"),
    [
        ((15.98776, 0.4366, 0.4762), "MiB", ["15.988", "0.437", "0.476"]),
        ((0.0000123, 0.0000124), "s", ["0.0000123", "0.0000124"]),
        ((1e-15,), "s", ["0.000000000"]),
        ((0.0, 0.0), "MiB", ["0.00", "0.00"]),
        ((1234567.0, 2.0, 1234569.0), "KiB", ["1,234,567.0", "2.0", "1,234,569.0"]),
        ((-0.00001, 3.0, 3.0), "KiB", ["0.00", "3.00", "3.00"]),
    ],
)
def test_digits(figures: tuple[float, ...], unit: str, expected: list[str]) -> None:
    """Three significant digits of a typical figure; no more than a nanosecond or a byte; no minus zero."""
    scale = Scale.of(figures, unit)
    assert [scale.number(figure) for figure in figures] == expected


@given(st.lists(FIGURES, min_size=2, max_size=20))
def test_an_outlier_is_the_largest_and_far_from_the_others(figures: list[float]) -> None:
    """It is found exactly if the largest is three times the median of the rest, or more."""
    largest = max(figures)
    rest = sorted(figures)[:-1]
    middle = statistics.median(rest)
    found = outlier(figures)
    assert (found is not None) == (middle > 0 and largest >= 3 * middle)
    if found:
        assert (figures[found.index], found.median) == (largest, middle)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(
    memory=st.lists(st.floats(0, 1e9), min_size=1, max_size=60),
    grew=st.lists(st.integers(-(10**9), 10**9), max_size=60),
)
def test_any_figures_make_a_page(
    memory: list[float], grew: list[int], shown: Callable[..., BeautifulSoup]
) -> None:
    """Every figure of every iteration is in the table, whatever there is."""
    growth = grew[: len(memory)]
    table = rows(shown(evaluation(memory=memory, growth=growth), requests={"memory": (1,) * len(memory)}))
    assert [float(row[1].replace(",", "")) for row in table[1:]] == pytest.approx(
        memory, abs=max(0.06, 0.0051 * statistics.median(memory))
    )
    assert len(table) == len(memory) + 1
