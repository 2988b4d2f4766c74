"""Figures of evaluations come from a run that nothing recorded: they are those that a user would see."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agno_lite.eval.result import MIB
from agno_lite.exceptions import CaptureError
from agno_lite.gallery.execution.runner import measure
from agno_lite.gallery.store import Store
from agno_lite.tracing import semconv

if TYPE_CHECKING:
    from agno_lite.gallery.records import Evaluation
    from tests.gallery.execution.conftest import Tiny

SCRIPT = """
    from agno_lite.eval import PerformanceEval
    from agno_lite.tracing import span

    kept = []


    def work():
        with span("work", "of the day"):
            passing = [bytearray(10_000) for _ in range(100)]
            kept.append(bytearray(50_000))
        return len(passing)


    found = PerformanceEval(
        work, name="Work", num_iterations=4, warmup_runs=1, measure_runtime=False,
        memory_growth_tracking=True, debug_mode=True,
    ).run(print_results=True, print_summary=True)
"""
TELLING = f"""{textwrap.dedent(SCRIPT)}
print("bytes:", *(round(usage * 1024 * 1024) for usage in found.memory_usages))
"""
"""The same, and it says what the figures are."""
LEAK = "kept.append(bytearray(50_000))"


def evaluation(tiny: Tiny, script: str = SCRIPT) -> Evaluation:
    """The figures of the script's evaluation."""
    (found,) = measure(tiny.project, tiny.record(script)).measurements.evaluations
    return found


def test_figures_are_measurements_and_no_facts(tiny: Tiny) -> None:
    """The facts hold what was evaluated and how often a model was asked; the figures are kept apart."""
    recorded = tiny.record(SCRIPT)
    (result,) = (
        span.attributes[semconv.EVALUATION_RESULT]
        for span in recorded.capture.spans
        if span.kind == semconv.EVALUATE
    )
    assert result == {"name": "Work", "run_requests": [], "memory_requests": [0, 0, 0, 0]}
    measured = measure(tiny.project, recorded)
    assert measured.capture == recorded.capture
    assert recorded.measurements.evaluations == ()
    (found,) = measured.measurements.evaluations
    assert found.name == "Work"
    assert len(found.memory_usages) == len(found.growth) == 4
    assert all(1 < usage < 1.2 for usage in found.memory_usages)
    assert found.run_times == ()
    assert list(found.statistics) == ["memory"]
    assert found.statistics["memory"]["median"] == statistics.median(found.memory_usages)


def test_captures_with_evaluations_are_the_same_twice(tiny: Tiny) -> None:
    """What is printed of figures is no fact: tables, and the lines of debug mode."""
    first, second = (tiny.record(SCRIPT) for _ in range(2))
    assert first.capture == second.capture
    assert first.capture.stdout.splitlines() == [
        "Work: iterations",
        "[figures: Iteration, Memory (MiB), Model requests]",
        "Work: memory growth",
        "[figures: Iteration, Growth (KiB), Blocks, Line]",
        "Work: summary",
        "[figures: Memory (MiB)]",
    ]
    assert "memory 4/4 # bytes at the peak" in first.capture.stderr
    measured = measure(tiny.project, second).measurements
    assert measured.stdout is not None
    assert measured.stderr is not None
    assert re.search(r"│ 4 +│ +1\.\d{6} │ +0 │", measured.stdout)
    assert re.search(r"memory 4/4 1,\d{3},\d{3} bytes at the peak", measured.stderr)
    store = Store(tiny.project)
    store.save(replace(second, measurements=measured))
    assert store.load_measurements(tiny.example) == measured


def test_lines_are_known_by_function_and_text(tiny: Tiny) -> None:
    """A line that grew has its function and its text, so that it can be found when it has moved."""
    found = evaluation(tiny)
    for growth in found.growth:
        first = growth.lines[0]
        assert (first.path, first.function, first.text) == (tiny.example.path, "work", LEAK)
        assert 50_000 <= first.size < 51_000
        assert growth.size >= first.size
    text = (tiny.project.root / tiny.example.path).read_text().splitlines()
    assert text[found.growth[0].lines[0].line - 1].strip() == LEAK


def test_nothing_of_the_recorder_is_in_the_figures(tiny: Tiny) -> None:
    """However many lines are asked for, none is the recorder's; spans inside the evaluation are not made."""
    script = SCRIPT.replace("debug_mode=True", "top_n_memory_allocations=100_000")
    lines = [line for growth in evaluation(tiny, script).growth for line in growth.lines]
    assert LEAK in {line.text for line in lines}
    assert not [line.path for line in lines if "gallery" in line.path or "tracing" in line.path]


def test_recording_changes_figures_by_less_than_their_spread(tiny: Tiny) -> None:
    """The peaks published are those that the script has when it is run by itself."""
    tiny.write(tiny.example.path, TELLING)
    alone = []
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, str(tiny.project.root / tiny.example.path)],
            capture_output=True,
            text=True,
            check=True,
        )
        (line,) = re.findall(r"^bytes: ([\d ]+)$", done.stdout, re.MULTILINE)
        alone.append([int(size) for size in line.split()])
    published = evaluation(tiny).memory_usages
    later = [size for sizes in alone for size in sizes[1:]]
    spread = max(later) - min(later)
    difference = abs(statistics.median(published[1:]) * MIB - statistics.median(later))
    assert difference <= max(spread, 64)


def test_little_is_loaded_before_the_script(tiny: Tiny) -> None:
    """Modules that are there when the script begins are not in its figures: the runtime's seam, no more."""
    script = "import sys\nprint(*sorted(sys.modules))\n"
    tiny.write(tiny.example.path, script)
    path = str(tiny.project.root / tiny.example.path)
    seam = "import runpy, random, agno_lite.tracing, sys; print(*sorted(sys.modules))"
    bare, allowed = (
        set(
            subprocess.run(
                [sys.executable, *arguments], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        for arguments in ([path], ["-c", seam])
    )
    printed = tiny.record(script)
    with pytest.raises(CaptureError) as refused:
        measure(tiny.project, printed)
    there = set(re.findall(r"[\w.]+", str(refused.value).partition("'")[2].partition("'")[0]))
    package = {"agno_lite.gallery", "agno_lite.gallery.execution", "agno_lite.gallery.execution.unwatched"}
    assert package < there
    assert there - bare - allowed <= package


def test_a_run_that_does_something_else_is_refused(tiny: Tiny) -> None:
    """Figures of another run than the recorded one are not published; the first difference is told."""
    recording = tiny.record(
        """
        import os
        from pathlib import Path

        seen = Path(__file__).with_name("seen")
        print("again" if seen.exists() else "first")
        seen.touch()
        """
    )
    with pytest.raises(CaptureError) as refused:
        measure(tiny.project, recording)
    for part in (tiny.example.path, "standard output", "'again'", "'first'", "random.Random(seed)"):
        assert part in str(refused.value)


def test_values_of_one_run_are_no_difference(tiny: Tiny) -> None:
    """Ids, times and addresses differ between the two runs, as they do between any two."""
    recording = tiny.record(
        "import uuid\nfrom shop.till import Till\nprint(Till(str(uuid.uuid4())), uuid.uuid4(), '(0.25s)')\n"
    )
    measured = measure(tiny.project, recording).measurements
    assert measured.stdout is not None
    assert re.fullmatch(r"<shop.till.Till object at 0x…> <uuid:1> \(0.25s\)\n", measured.stdout)
    assert json.dumps(measured.evaluations) == "[]"
