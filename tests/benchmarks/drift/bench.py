"""One project under mutation: made once, copied for each process, asked once for each mutation."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.drift.judging import Case, Verdict, judge
from tests.benchmarks.drift.kinds import mutate
from tests.benchmarks.drift.oracle import Baseline, Oracle, Outcome
from tests.benchmarks.drift.projects import Kit, fill_translations, scripts, write_cookbook, write_tiny
from tests.benchmarks.drift.tool import REPOSITORY, Gallery, Problem, Tool
from tests.benchmarks.drift.trees import Snapshot, Tree, apply, diff

_HOLDER = (
    "import sys; from agno_lite.db import embedded; embedded.start(); print(flush=True); sys.stdin.read()"
)
_CAPTURES = "cookbook/_captures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one mutation."""

    project: str
    kind: str
    number: int
    summary: str
    diff: str
    verdict: Verdict
    seconds: float

    @property
    def order(self) -> tuple[str, str, int]:
        """Where it stands among all."""
        return self.project, self.kind, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A project as it is before mutations, and what is known of it."""

    kit: Kit
    root: Path
    home: Path
    baselines: dict[str, Baseline]
    problems: frozenset[Problem]
    used: frozenset[str]


def oracle_of(kit: Kit, root: Path, home: Path) -> Oracle:
    """The oracle of a project in a folder."""
    environment = {name: value.replace("{home}", str(home)) for name, value in kit.environment.items()}
    return Oracle(root=root, search=kit.search, environment=environment, online=kit.online)


def gallery_of(kit: Kit, root: Path, home: Path) -> Gallery:
    """The tool, on a project in a folder."""
    own = tuple(root / folder for folder in kit.search if folder != ".")
    return Gallery(root=root, search=own, home=home, timeout=kit.timeout)


def prepare(kit: Kit, place: Path, *, slowest: float) -> Ground:
    """Make the project, capture it, and let the oracle see what its examples do.

    Raises:
        RuntimeError: the tool finds the project wrong before any mutation.
    """
    root, home = place / kit.name, place / "home"
    root.mkdir(parents=True)
    if kit.name == "tiny":
        write_tiny(root)
    else:
        write_cookbook(root, slowest=slowest)
    with gallery_of(kit, root, home) as tool:
        tool.capture()
        tool.translate()
        fill_translations(root)
        problems = tool.check()
    if problems:
        raise RuntimeError(f"{kit.name}: wrong before any mutation: {problems[0]}")
    oracle = oracle_of(kit, root, home)
    baselines = {script: oracle.baseline(script) for script in scripts(root)}
    used = frozenset(path for baseline in baselines.values() for path in baseline.trace.files)
    return Ground(kit=kit, root=root, home=home, baselines=baselines, problems=frozenset(problems), used=used)


@contextmanager
def database(kit: Kit, home: Path) -> Iterator[None]:
    """Keep the private database running, if scripts use it; wait until it is gone afterwards."""
    if not kit.database:
        yield
        return
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER],
        env={"PYTHONPATH": str(REPOSITORY), "AGNO_LITE_HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        yield
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
        deadline = time.monotonic() + 30
        while any(home.glob("pg*/data/postmaster.pid")) and time.monotonic() < deadline:
            time.sleep(0.05)


class Bench:
    """A copy of a project in which mutations are made and judged, one at a time.

    Args:
        ground: the project.
        place: where the copy is made; its folder must not be there.
    """

    def __init__(self, ground: Ground, place: Path) -> None:
        self._ground = ground
        self._root = place / f"{ground.kit.name}-{secrets.token_hex(4)}"
        shutil.copytree(ground.root, self._root, symlinks=True)
        self.tree = Tree(self._root, ground.kit.layout, ground.used)
        self._oracle = oracle_of(ground.kit, self._root, ground.home)
        self._captures = Snapshot(self._root, _CAPTURES)
        self.tool = gallery_of(ground.kit, self._root, ground.home)

    def judge(self, kind: str, seed: int, number: int, tool: Tool | None = None) -> Result | None:
        """Make a mutation, judge the answer, undo it; `None` where the project has nothing of the kind."""
        began = time.monotonic()
        tree = Tree(self._root, self._ground.kit.layout, self._ground.used)
        edit = mutate(tree, kind, seed, number)
        if edit is None:
            return None
        shown = diff(tree, edit)
        case = Case.of(
            tree, edit, self._ground.baselines, self._ground.problems, exact=self._ground.kit.exact
        )
        files = Snapshot(self._root, *edit.files)
        try:
            apply(self._root, edit)
            mutated = Snapshot(self._root, ".", without=_CAPTURES)
            answer = (tool or self.tool).ask()
            outcomes = dict(self._outcomes(mutated))
            verdict = judge(case, answer, outcomes)
        finally:
            files.restore()
            self._captures.restore()
        return Result(
            project=self._ground.kit.name,
            kind=kind,
            number=number,
            summary=edit.summary,
            diff=shown,
            verdict=verdict,
            seconds=time.monotonic() - began,
        )

    def _outcomes(self, mutated: Snapshot) -> Iterator[tuple[str, tuple[bool, Outcome]]]:
        """Whether each example's outcome changed; what scripts write into the project is taken away again."""
        for script, baseline in self._ground.baselines.items():
            mutated.restore()
            now = self._oracle.run(script)
            yield script, (baseline.differs(now), now)
        mutated.restore()


def remove(place: Path) -> None:
    """Remove a folder that processes may still be leaving."""
    for _ in range(50):
        with suppress(OSError):
            shutil.rmtree(place)
        if not place.exists():
            return
        time.sleep(0.1)
