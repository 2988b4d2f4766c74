"""The Python files of a project, read when they are first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from agno_lite.gallery.analysis.modules import Module, parse_module
from agno_lite.gallery.config import Project


class ModuleFiles:
    """Modules of a project's packages by name, and all its Python files by path.

    Raises:
        SourceError: from each method, if a file that is read is not Python.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        files = (file for package in project.packages for file in (project.root / package).rglob("*.py"))
        self._names = {path: _dotted(path) for path in sorted(map(project.relative, files))}
        self._paths = {name: path for path, name in self._names.items()}
        self._read: dict[str, Module] = {}

    def named(self, name: str) -> Module | None:
        """The module of a package with that dotted name."""
        return self.at(self._paths[name]) if name in self._paths else None

    def at(self, path: str) -> Module | None:
        """The module whose file is `path`, relative to the project, be it of a package or a script."""
        if path in self._read:
            return self._read[path]
        file = self._project.root / path
        if not _is_python_below(self._project.root, file):
            return None
        text = file.read_text(encoding="utf-8")
        self._read[path] = parse_module(self._names.get(path, file.stem), path, text)
        return self._read[path]

    @cached_property
    def all(self) -> list[Module]:
        """All modules of the packages, sorted by path."""
        return [module for path in self._names if (module := self.at(path))]


def _is_python_below(root: Path, file: Path) -> bool:
    """Whether the path is that of a Python file inside `root`; a path that cannot exist is not."""
    try:
        return file.suffix == ".py" and file.resolve().is_relative_to(root) and file.is_file()
    except (OSError, ValueError):
        return False


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
