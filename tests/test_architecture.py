"""The shape of the package: who may import whom, and which names are public."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import agno_lite

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(agno_lite.__file__).parent
SHARED = ("records", "config", "syntax", "text")
"""What every stage of the gallery may import of it."""
STAGES = ("discovery", "analysis", "narrative", "execution", "store", "rendering")


def imports(path: Path) -> Iterator[str]:
    """Modules of the package that a file imports, for types only too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agno_lite"):
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("agno_lite"))


def files(name: str) -> list[Path]:
    """The files of a module or package inside `agno_lite`."""
    place = PACKAGE / name
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def test_the_runtime_never_imports_the_gallery() -> None:
    """The runtime can be installed and used without the generator."""
    runtime = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "gallery")]
    runtime.remove(PACKAGE / "cli.py")
    found = [(path.name, name) for path in runtime for name in imports(path) if ".gallery" in name]
    assert found == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_knows_no_other_stage(stage: str) -> None:
    """Stages exchange records; only the pipeline knows them all."""
    allowed = (stage, *SHARED)
    wrong = [
        (path.name, name)
        for path in files(f"gallery/{stage}")
        for name in imports(path)
        if name.startswith("agno_lite.gallery.") and name.split(".")[2] not in allowed
    ]
    assert wrong == []


def test_the_gallery_uses_little_of_the_runtime() -> None:
    """Only spans and errors, and where examples are run what starts their private database."""
    allowed = ("agno_lite.gallery", "agno_lite.tracing", "agno_lite.exceptions")
    wrong = [
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in files("gallery")
        for name in imports(path)
        if not name.startswith(allowed)
    ]
    assert {(path.split("/")[1], name) for path, name in wrong} == {("execution", "agno_lite.db.embedded")}


def test_public_names() -> None:
    """These names are the package's interface; each can be imported, and no other is offered."""
    assert agno_lite.__all__ == [
        "Agent",
        "AgnoLiteError",
        "InMemoryDb",
        "MemoryManager",
        "OpenAIChat",
        "PostgresDb",
        "SqliteDb",
        "Team",
    ]
    for name in agno_lite.__all__:
        assert getattr(agno_lite, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        _ = agno_lite.Nothing


@pytest.mark.parametrize("module", ["agno_lite", "agno_lite.agent", "agno_lite.team"])
def test_importing_is_light(module: str) -> None:
    """Neither `openai` nor `psycopg` nor the gallery is loaded before it is needed."""
    heavy = "openai psycopg rich griffe mkdocs agno_lite.gallery"
    program = f"import sys, {module}; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_module_says_what_it_is_for() -> None:
    """Each file of the package begins with a docstring."""
    silent = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []
