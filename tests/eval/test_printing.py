"""What evaluations print, and where."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from agno_lite.eval.performance import PerformanceEval, PerformanceResult
from agno_lite.eval.result import AllocationGrowth, MemoryGrowth

WIDE = "a_package/with_a/rather_long/path_of/directories_that/goes_on_and/on_until/it_is_too/long_to_fit.py"


@pytest.fixture
def result() -> PerformanceResult:
    """A result with everything in it."""
    lines = (
        AllocationGrowth(file=WIDE, line=12345, size=2048, count=-3),
        AllocationGrowth(file="b.py", line=7, size=512, count=4),
    )
    return PerformanceResult(
        eval_id="e",
        name="Team [Memory] Impact",
        run_times=(1.25, 123.5),
        run_requests=(3, 4),
        memory_usages=(0.5, 1234.5),
        memory_requests=(5, 6),
        growth=(
            MemoryGrowth(iteration=1, size=10240, lines=lines),
            MemoryGrowth(iteration=2, size=-1024, lines=()),
        ),
    )


def rows(text: str) -> list[list[str]]:
    """The cells of printed tables, without borders."""
    bodies = (line for line in text.splitlines() if line.startswith("│"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in bodies]


def test_results_fit_100_columns(result: PerformanceResult, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables are at most 100 columns wide, a path that is longer is folded and whole, brackets are text."""
    for show in (result.print_results, result.print_growth, result.print_summary):
        show()
        out, err = capsys.readouterr()
        assert err == ""
        assert max(map(len, out.splitlines())) <= 100
        assert out.startswith("Team [Memory] Impact: ")
        assert "…" not in out


def test_iterations_are_rows(result: PerformanceResult, capsys: pytest.CaptureFixture[str]) -> None:
    """Each iteration has its figures with their units in the heading, and the requests behind them."""
    result.print_results()
    out = capsys.readouterr().out
    assert "Run time (s)" in out
    assert "Memory (MiB)" in out
    assert rows(out) == [
        ["1", "1.250000", "3", "0.500000", "5"],
        ["2", "123.500000", "4", "1234.500000", "6"],
    ]


def test_statistics_are_rows(result: PerformanceResult, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary has every statistic of every pass that was made, and all requests."""
    result.print_summary()
    cells = {name: figures for name, *figures in rows(capsys.readouterr().out)}
    assert cells["Mean"] == ["62.375000", "617.500000"]
    assert cells["Median"] == ["62.375000", "617.500000"]
    assert cells["Minimum"] == ["1.250000", "0.500000"]
    assert cells["Maximum"] == ["123.500000", "1234.500000"]
    assert cells["95th percentile"] == ["117.387500", "1172.800000"]
    assert float(cells["Standard deviation"][0]) == pytest.approx(86.4438, abs=1e-3)
    assert cells["Model requests in all"] == ["7", "11"]


def test_growth_is_told_by_line(result: PerformanceResult, capsys: pytest.CaptureFixture[str]) -> None:
    """Each iteration has its sum, then its lines with growth in KiB and blocks."""
    result.print_growth()
    cells = rows(capsys.readouterr().out)
    assert cells[0] == ["1", "+10.0", "", "all lines"]
    assert cells[1][:3] == ["", "+2.0", "-3"]
    assert cells[1][3] + cells[2][3] == f"{WIDE}:12345"
    assert cells[3:] == [["", "+0.5", "+4", "b.py:7"], ["2", "-1.0", "", "all lines"]]


@pytest.mark.parametrize("own", [False, True])
def test_what_is_printed_is_what_was_asked_for(own: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing by default; results and summary by the evaluation's settings or those of the run."""

    def evaluation(**settings: Any) -> PerformanceEval:
        return PerformanceEval(lambda: None, name="n", num_iterations=1, warmup_runs=0, **settings)

    evaluation().run()
    assert capsys.readouterr() == ("", "")
    for setting, title in (("print_results", "n: iterations"), ("print_summary", "n: summary")):
        _ = evaluation(**{setting: True}).run() if own else evaluation().run(**{setting: True})
        out, err = capsys.readouterr()
        assert out.startswith(title)
        assert out.count("n: ") == 1
        assert err == ""


def test_growth_is_printed_when_it_is_tracked(capsys: pytest.CaptureFixture[str]) -> None:
    """Tracking growth prints it, in debug mode or not."""
    kept: list[bytearray] = []
    evaluation = PerformanceEval(
        lambda: kept.append(bytearray(10_000)),
        name="n",
        num_iterations=2,
        warmup_runs=0,
        memory_growth_tracking=True,
    )
    evaluation.run()
    out, err = capsys.readouterr()
    assert out.startswith("n: memory growth")
    assert "tests/eval/test_printing.py:" in out
    assert err == ""


def test_debug_mode_tells_each_figure_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Each call is told as it ends, apart from the results."""
    PerformanceEval(lambda: None, name="n", num_iterations=2, warmup_runs=1, debug_mode=True).run()
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["warm-up", "1/1"],
        ["runtime", "1/2"],
        ["runtime", "2/2"],
        ["memory", "1/2"],
        ["memory", "2/2"],
    ]
    assert lines[1].endswith(" s")
    assert lines[3].endswith(" bytes at the peak")


def test_progress_is_shown_on_a_terminal_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar for each pass on standard error, and what the function prints is left alone."""
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    PerformanceEval(partial(print, "said"), num_iterations=2, warmup_runs=1).run()
    out, err = capsys.readouterr()
    assert out == "said\n" * 5
    for title in ("warm-up", "runtime", "memory"):
        assert title in err
    assert "2/2" in err
