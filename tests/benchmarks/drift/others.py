"""The same mutations under other tools that run a gallery's scripts: which stale pages do they publish?

Each tool is installed into an environment of its own. It is given the tiny project's package and scripts,
builds its site, gets a mutation, builds again in a process of its own as its users do, and the output on each
page is compared with a plain run. A page is stale if it shows another output and the build ended well.
"""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.drift.bench import oracle_of
from tests.benchmarks.drift.kinds import mutate
from tests.benchmarks.drift.oracle import Oracle
from tests.benchmarks.drift.projects import TINY, scripts, write_tiny
from tests.benchmarks.drift.report import note
from tests.benchmarks.drift.trees import Snapshot, Tree, apply

_KINDS = ("body", "default", "constant", "answer", "data", "migration", "script", "comment")
"""Mutations that every such tool can meet; the rest are of what only the gallery has."""
_TAG = re.compile(r"<[^>]+>")
_PRINTER = '"""\n{name}\n{line}\n"""\nimport os, sys\nsys.path[:0] = [{folder!r}]\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A tool, and how its users call it."""

    name: str
    requirements: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    """Configuration to write, by path."""
    examples: str
    """Folder of the scripts."""
    command: tuple[str, ...]
    """Module and arguments that build the site."""
    built: str
    """Where the page of a script is, with `{stem}`."""


_SPHINX = """\
extensions = ["sphinx_gallery.gen_gallery"]
project = "tea"
sphinx_gallery_conf = {"examples_dirs": "../examples", "gallery_dirs": "auto", "filename_pattern": "/"}
"""
_MKDOCS = """\
site_name: tea
nav: [index.md, auto]
plugins:
  - gallery:
      examples_dirs: examples
      gallery_dirs: docs/auto
      filename_pattern: "/"
"""
OTHERS = {
    "sphinx-gallery": Other(
        name="sphinx-gallery",
        requirements=("sphinx==9.0.4", "sphinx-gallery==0.22.1", "matplotlib"),
        files=(("docs/conf.py", _SPHINX), ("docs/index.rst", "Tea\n===\n\n.. toctree::\n\n   auto/index\n")),
        examples="examples",
        command=("sphinx", "-q", "-b", "html", "docs", "built"),
        built="built/auto/{stem}.html",
    ),
    "mkdocs-gallery": Other(
        name="mkdocs-gallery",
        requirements=("mkdocs==1.6.1", "mkdocs-material==9.8.1", "mkdocs-gallery==0.10.4", "pillow"),
        files=(("mkdocs.yml", _MKDOCS), ("docs/index.md", "# Tea\n")),
        examples="examples",
        command=("mkdocs", "build", "-q", "-d", "built"),
        built="built/auto/{stem}/index.html",
    ),
}


def compare(names: Iterable[str], seed: int, per_kind: int, place: Path) -> Iterator[str]:
    """A line for each tool: how many pages it left stale."""
    for name in names:
        yield _judged(OTHERS[name], seed, per_kind, place / name)


@dataclass(slots=True)
class _Tally:
    """What a tool did with some mutations."""

    mutations: int = 0
    needed: int = 0
    stale: int = 0
    refused: int = 0


def _judged(other: Other, seed: int, per_kind: int, place: Path) -> str:
    """Install a tool, give it mutations, and say in a line what it did."""
    note(f"installing {other.name}")
    python = _installed(other, place / "venv")
    root = place / "project"
    oracle, before = _prepared(other, root, python)
    whole = Snapshot(root, ".")
    tally = _Tally()
    for kind in _KINDS:
        note(f"{other.name}: {kind}")
        for number in range(per_kind):
            edit = mutate(Tree(root, TINY.layout), kind, seed, number)
            if edit is not None:
                apply(root, edit)
                _count(other, root, _build(other, root, python), before, oracle, tally)
                whole.restore()
    return (
        f"{other.name}: stale and unannounced {tally.stale} of {tally.needed} pages whose output changed "
        f"({tally.mutations} mutations, {len(_KINDS)} kinds, {len(before)} examples, "
        f"{tally.refused} builds failed)"
    )


def _installed(other: Other, folder: Path) -> Path:
    """Make an environment with the tool in it; gives its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin/python"
    install = ("-m", "pip", "install", "-q", "--disable-pip-version-check", *other.requirements)
    subprocess.run([python, *install], check=True, stdout=sys.stderr)
    return python


def _prepared(other: Other, root: Path, python: Path) -> tuple[Oracle, dict[str, str]]:
    """Write the project and build its site; gives what plain runs of its scripts print.

    Raises:
        RuntimeError: the tool does not show that, before any mutation.
    """
    write_tiny(root)
    for path, text in other.files:
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, "utf-8")
    oracle = oracle_of(TINY, root, root)
    before = {script: oracle.run(script).raw for script in scripts(root)}
    status = _build(other, root, python)
    wrong = [script for script, printed in before.items() if not _shows(other, root, script, printed)]
    if status or wrong:
        raise RuntimeError(f"{other.name}: status {status}, before any mutation it shows another {wrong}")
    return oracle, before


def _count(
    other: Other, root: Path, status: int, before: dict[str, str], oracle: Oracle, tally: _Tally
) -> None:
    """Compare the pages with plain runs; a build that failed has published nothing."""
    now = {script: oracle.run(script).raw for script in before}
    tally.mutations += 1
    tally.needed += sum(now[script] != before[script] for script in before)
    tally.refused += status != 0
    if status == 0:
        tally.stale += sum(not _shows(other, root, script, printed) for script, printed in now.items())


def _build(other: Other, root: Path, python: Path) -> int:
    """Bring the scripts to where the tool looks for them, and build; gives its exit status."""
    _copy_scripts(other, root)
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'site'}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, "-m", *other.command], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        note(f"{other.name} ended with {done.returncode}: {done.stderr[-300:].strip()}")
    return done.returncode


def _copy_scripts(other: Other, root: Path) -> None:
    """Give each script the head that the tool demands, and write it only if it is another one now."""
    folder = root / other.examples
    folder.mkdir(exist_ok=True)
    head = folder / ("README.txt" if other.name.startswith("sphinx") else "README.md")
    head.write_text("Tea\n===\n" if head.suffix == ".txt" else "# Tea\n", "utf-8")
    for script in scripts(root):
        stem = Path(script).stem
        own = str(root / Path(script).parent)
        text = _PRINTER.format(name=stem, line="=" * len(stem), folder=own)
        text += f"__file__ = {str(root / script)!r}\n" + (root / script).read_text("utf-8")
        target = folder / f"{stem}.py"
        if not target.exists() or target.read_text("utf-8") != text:
            target.write_text(text, "utf-8")


def _shows(other: Other, root: Path, script: str, printed: str) -> bool:
    """Whether the page of a script shows what a plain run printed."""
    page = root / other.built.format(stem=Path(script).stem)
    if not page.is_file():
        return False
    shown = re.sub(r"\s+", "", html.unescape(_TAG.sub("", page.read_text("utf-8"))))
    return all(re.sub(r"\s+", "", line) in shown for line in printed.splitlines())
