"""The projects that are mutated: a tiny one, and a copy of this repository with its cookbook."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from babel.messages.pofile import read_po, write_po

from tests.benchmarks.drift.tool import REPOSITORY
from tests.benchmarks.drift.trees import Layout

_TINY = Path(__file__).with_name("tiny.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A project, and how to deal with it."""

    name: str
    """What it is called on the command line."""
    layout: Layout
    """Where it has what."""
    search: tuple[str, ...]
    """Folders for `PYTHONPATH`, below its root."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for its scripts; `{home}` is a folder for data, `{run}` differs in each run."""
    online: Mapping[str, str | None] = field(default_factory=dict)
    """Variables for a run that asks the oracle's own model server at `{url}`; `None` unsets one."""
    database: bool = False
    """Whether its scripts use the private database."""
    exact: bool = True
    """Whether pages show the output of a plain run as it is: without colours, ids and times."""
    timeout: float = 20.0
    """Seconds that a script may run."""


TINY = Kit(
    name="tiny",
    layout=Layout(
        package="tea",
        prompts=("tea/prompts.py",),
        answers=("tea/model.py", "tea/data/answers.json"),
        distributions="site",
    ),
    search=(".", "site"),
)
COOKBOOK = Kit(
    name="cookbook",
    layout=Layout(
        package="agno_lite",
        prompts=("agno_lite/run/", "agno_lite/memory/", "agno_lite/team/"),
        answers=("agno_lite/models/offline/",),
        distributions="site-of-mutations",
        skipped=("agno_lite/gallery/", "agno_lite/db/embedded/", "agno_lite/cli.py"),
    ),
    search=("site-of-mutations", "."),
    environment={
        "AGNO_LITE_HOME": "{home}",
        "AGNO_LITE_OFFLINE": "1",
        "AGNO_LITE_EMBEDDED_DATABASE": "drift_{run}",
    },
    online={"AGNO_LITE_OFFLINE": None, "OPENAI_BASE_URL": "{url}", "OPENAI_API_KEY": "of-the-benchmark"},
    database=True,
    exact=False,
    timeout=120.0,
)
KITS: Mapping[str, Kit] = {kit.name: kit for kit in (TINY, COOKBOOK)}


def write_tiny(root: Path) -> None:
    """Write the tiny project, without captures and translations."""
    for part in _TINY.read_text("utf-8").split("=== ")[1:]:
        name, _, text = part.partition("\n")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def write_cookbook(root: Path, *, slowest: float) -> None:
    """Copy what git knows of this repository, with the examples that took at most `slowest` seconds."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (REPOSITORY / name).is_file() and not name.startswith("tests/"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, root / name)
    (root / COOKBOOK.layout.distributions).mkdir()
    for script in scripts(root):
        measured = (
            root / f"cookbook/_captures/{script.removeprefix('cookbook/').removesuffix('.py')}.measured.json"
        )
        known = json.loads(measured.read_text("utf-8")) if measured.is_file() else {"duration": 0}
        if known["duration"] > slowest:
            _without_example(root, script)


def _without_example(root: Path, script: str) -> None:
    """Remove an example, and comparisons with it, which would name a script that is not there."""
    stem = script.removesuffix(".py")
    for path in (root / script, *(root / f"{stem}.{language}.md" for language in ("en", "zh"))):
        path.unlink(missing_ok=True)
    for path in (root / "cookbook").rglob("*.md"):
        text = path.read_text("utf-8")
        path.write_text(text.replace(f"/// comparison | {script}\n///\n", ""), "utf-8")


def scripts(root: Path) -> list[str]:
    """The examples of a project, as paths below its root."""
    found = (path.relative_to(root).as_posix() for path in sorted((root / "cookbook").rglob("*.py")))
    return [path for path in found if not any(part.startswith("_") for part in path.split("/"))]


def fill_translations(root: Path) -> None:
    """Give every message of the Chinese catalogue a translation: none is missing before a mutation."""
    path = root / "docs/locales/zh.po"
    catalogue = read_po(io.BytesIO(path.read_bytes()), locale="zh")
    for message in catalogue:
        if message.id and not message.string:
            message.string = f"译文：{message.id}"
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=10_000, sort_output=True)
    path.write_bytes(buffer.getvalue())
