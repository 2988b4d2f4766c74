"""Captures of several examples: side by side or one after the other, kept when they are complete."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agno_lite.gallery import pipeline
from agno_lite.gallery.config import Project, load_project

if TYPE_CHECKING:
    from collections.abc import Callable

MKDOCS = """
site_name: tiny
plugins:
  - agno_lite_gallery:
      packages: [shop]
"""
TALK = """
    import asyncio
    import random

    from agno_lite.tracing import span

    async def talk(name):
        for turn in range(3):
            await asyncio.sleep(random.SystemRandom().random() / 20)
            with span("said", f"{name} {turn}"):
                await asyncio.sleep(random.SystemRandom().random() / 20)

    async def main():
        await asyncio.gather(*(talk(name) for name in "cab"))

    asyncio.run(main())
    print("NAME is done")
"""
EVALUATION = """
    from agno_lite.eval import PerformanceEval

    PerformanceEval(lambda: sum(range(1000)), num_iterations=2, warmup_runs=0).run(print_results=True)
"""
WAITING = """
    import os, time
    from pathlib import Path

    Path(os.environ["HOME"], "..", "started").resolve().touch()
    time.sleep(600)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a package and no example yet."""
    (tmp_path / "mkdocs.yml").write_text(MKDOCS)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "cookbook" / "01_topic").mkdir(parents=True)
    return load_project(tmp_path)


@pytest.fixture
def write(project: Project) -> Callable[[str, str], None]:
    """Writes a script of the project."""

    def written(name: str, text: str) -> None:
        path = project.root / "cookbook" / "01_topic" / f"{name}.py"
        path.write_text(textwrap.dedent(text).replace("NAME", name))

    return written


def facts(project: Project) -> dict[str, bytes]:
    """The files of facts by name."""
    return {path.name: path.read_bytes() for path in project.captures.rglob("*.facts.json")}


def measured(project: Project) -> dict[str, bytes]:
    """The files of measurements by name."""
    return {path.name: path.read_bytes() for path in project.captures.rglob("*.measured.json")}


def capture(project: Project, **options: int | bool) -> list[pipeline.Done]:
    """Run everything."""
    return list(pipeline.capture(project, pipeline.plan(project, only_stale=False), **options))  # type: ignore[arg-type]


def test_facts_do_not_depend_on_how_many_run_at_once(
    project: Project, write: Callable[[str, str], None]
) -> None:
    """Serial or parallel, with random waits: every byte of the facts is the same, and nothing is renewed."""
    for name in "abcde":
        write(name, TALK)
    write("evaluation", EVALUATION)
    assert all(done.changed and done.failure is None for done in capture(project, jobs=1))
    serial, figures = facts(project), measured(project)
    assert len(serial) == 6
    assert not any(done.changed for done in capture(project, jobs=6))
    assert facts(project) == serial
    assert measured(project) == figures
    assert not any(done.changed for done in capture(project, jobs=6, measure=True))
    assert facts(project) == serial
    assert all(figures[name] != now for name, now in measured(project).items())


def test_runs_overlap(project: Project, write: Callable[[str, str], None]) -> None:
    """Two scripts that each wait for the other one to have begun both end."""
    for name, other in ("ab", "ba"):
        write(
            name,
            f"""
            import time
            from pathlib import Path

            here = Path(__file__).parent
            (here / "{name}.begun").touch()
            until = time.monotonic() + 60
            while not (here / "{other}.begun").exists():
                assert time.monotonic() < until, "alone"
                time.sleep(0.01)
            """,
        )
    assert [done.failure for done in capture(project, jobs=2)] == [None, None]


def test_an_example_without_measurements_is_captured_again(
    project: Project, write: Callable[[str, str], None]
) -> None:
    """Facts alone make no page with figures: whoever lost the measurements gets them back."""
    write("a", TALK)
    capture(project)
    assert pipeline.plan(project) == ()
    (path,) = project.captures.rglob("*.measured.json")
    path.unlink()
    (task,) = pipeline.plan(project)
    assert task.reasons == ("its measurements are missing",)
    assert [done.changed for done in pipeline.capture(project, [task])] == [False]
    assert path.is_file()


def test_leaving_early_stops_what_runs_and_keeps_what_is_finished(
    project: Project, write: Callable[[str, str], None]
) -> None:
    """Ctrl-C: the examples that were done are kept; the ones that run are ended, the others never begin."""
    write("a", TALK)
    for name in ("b", "c"):
        write(name, WAITING)
    program = (
        "import sys\nfrom pathlib import Path\nfrom agno_lite.cli import main\n"
        "main(['gallery', '--project', sys.argv[1], 'capture', '--jobs', '2'])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(project.root)], stderr=subprocess.PIPE, start_new_session=True
    )
    until = time.monotonic() + 60
    while len(facts(project)) < 1 or not children(process.pid):
        assert time.monotonic() < until
        time.sleep(0.05)
    running = children(process.pid)
    process.send_signal(2)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode not in (0, None), stderr
    assert list(facts(project)) == ["a.facts.json"]
    assert not [one for one in running if Path(f"/proc/{one}").exists()]


def children(process: int) -> list[int]:
    """Processes that run the scripts which wait."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == process and b"execution.worker" in command:
                found.append(int(folder.name))
    return found
