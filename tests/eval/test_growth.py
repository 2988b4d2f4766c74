"""Growth of memory, by line."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from typing import TYPE_CHECKING, Any

from agno_lite.db.in_memory import InMemoryDb
from agno_lite.eval.meters import loaded_modules, readable_path
from agno_lite.eval.performance import PerformanceEval
from agno_lite.tracing import add_watcher, remove_watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    import pytest

    from agno_lite.agent import Agent
    from agno_lite.tracing import Span
    from tests.fix_model import ModelServer

SCRIPT = """\
import asyncio

kept = []


async def leak(size):
    await asyncio.sleep(0)
    kept.append(bytearray(size))


async def grow():
    passing = bytearray(900_000)
    await asyncio.gather(*(leak(100_000) for _ in range(3)))
    kept.append(bytearray(50_000))
    return len(passing)


def shrink():
    kept.clear()
"""
LEAK, SMALL_LEAK = 8, 14
"""Lines of the script that keep memory."""


def load(folder: Path) -> ModuleType:
    """The script as a module that nothing imported."""
    script = folder / "scripts" / "leaky.py"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    spec = importlib.util.spec_from_file_location("leaky", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tracked(function: Callable[[], Any], **settings: Any) -> PerformanceEval:
    """An evaluation that tracks growth and nothing else."""
    given = {"num_iterations": 3, "warmup_runs": 0, "measure_runtime": False, "memory_growth_tracking": True}
    return PerformanceEval(function, **given | settings)


def test_growth_is_attributed_to_the_line_that_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each iteration names the lines that kept memory, largest first; what was let go is not there."""
    monkeypatch.chdir(tmp_path)
    result = asyncio.run(tracked(load(tmp_path).grow, top_n_memory_allocations=2).arun())
    assert [growth.iteration for growth in result.growth] == [1, 2, 3]
    for growth in result.growth:
        first, second = growth.lines
        assert (first.file, first.line) == ("scripts/leaky.py", LEAK)
        assert 300_000 <= first.size < 310_000
        assert first.count >= 3
        assert (second.file, second.line) == ("scripts/leaky.py", SMALL_LEAK)
        assert 50_000 <= second.size < 55_000
        assert 350_000 <= growth.size < 380_000


def test_freed_memory_is_no_growth(tmp_path: Path) -> None:
    """Lines that hold less than before are not listed, but count in the sum."""
    module = load(tmp_path)

    async def alternate() -> None:
        if module.kept:
            module.shrink()
        else:
            await module.grow()

    result = asyncio.run(tracked(alternate, num_iterations=2, top_n_memory_allocations=1000).arun())
    grown, shrunk = result.growth
    assert grown.size > 350_000
    assert shrunk.size < -340_000
    assert all(line.size > 0 for line in shrunk.lines)


def test_the_number_of_lines_is_the_one_asked_for(tmp_path: Path) -> None:
    """`top_n_memory_allocations` limits the lines; with 5, as by default, fewer may be there."""
    module = load(tmp_path)
    (growth,) = asyncio.run(tracked(module.grow, num_iterations=1, top_n_memory_allocations=1).arun()).growth
    assert [line.line for line in growth.lines] == [LEAK]
    assert all(len(growth.lines) <= 5 for growth in asyncio.run(tracked(module.grow).arun()).growth)


def test_observers_are_not_among_the_allocations(
    make_agent: Callable[..., tuple[Agent, ModelServer]], tmp_path: Path
) -> None:
    """Neither the evaluation's own lines nor the tracer's, nor spans that a watcher keeps, are listed."""
    agent, _ = make_agent(db=InMemoryDb(), update_memory_on_run=True)
    kept: list[Span] = []

    class Keeping:
        def on_start(self, span: Span) -> None:
            """Nothing to do."""

        def on_end(self, span: Span) -> None:
            kept.append(span)

    def ask() -> None:
        agent.run("I like tea.")

    watcher = Keeping()
    add_watcher(watcher)
    try:
        result = tracked(ask, num_iterations=2, warmup_runs=1, top_n_memory_allocations=100_000).run()
    finally:
        remove_watcher(watcher)
    files = {line.file for growth in result.growth for line in growth.lines}
    assert kept
    assert "agno_lite/db/in_memory/in_memory.py" in files
    assert not [file for file in files if file.startswith(("agno_lite/eval/", "agno_lite/tracing/"))]
    assert "tracemalloc.py" not in files


def test_files_have_names_that_people_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules lose the place that they are in, scripts the current directory; the rest stays as it is."""
    import rich.console

    import agno_lite.agent.agent as ours

    monkeypatch.chdir(tmp_path)
    names = {
        json.__file__: "json/__init__.py",
        str(ours.__file__): "agno_lite/agent/agent.py",
        str(rich.console.__file__): "rich/console.py",
        str(tmp_path / "deep" / "a.py"): "deep/a.py",
        str(tmp_path.parent / "a.py"): str(tmp_path.parent / "a.py"),
        "<string>": "<string>",
        "<frozen importlib._bootstrap>": "<frozen importlib._bootstrap>",
    }
    modules = loaded_modules()
    assert {name: readable_path(name, modules) for name in names} == names
