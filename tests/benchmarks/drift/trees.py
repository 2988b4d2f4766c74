"""A project's files as texts, and one change to them."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a project has what."""

    package: str
    """Its package, a folder below the root."""
    answers: tuple[str, ...]
    """Beginnings of the paths of what a model answers from."""
    prompts: tuple[str, ...]
    """Beginnings of the paths of what a model is told."""
    distributions: str
    """Folder of third-party distributions, below the root."""
    cookbook: str = "cookbook"
    """Folder of the examples."""
    skipped: tuple[str, ...] = ()
    """Beginnings of the paths that no mutation touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change to a project."""

    files: Mapping[str, str | None]
    """New text by path; `None` for a file that goes away."""
    summary: str
    """What was done, in a few words."""


@dataclass(slots=True)
class Source:
    """A Python file with its syntax tree."""

    path: str
    text: str
    tree: ast.Module = field(init=False)
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self._starts = [0]
        for line in self.text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line.encode()))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Begin and end of a node in the file's bytes."""
        place = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        line, column, end_line, end_column = place
        return self._starts[line - 1] + column, self._starts[end_line - 1] + end_column

    def segment(self, node: ast.AST) -> str:
        """The text of a node."""
        begin, end = self.span(node)
        return self.text.encode()[begin:end].decode()

    def replaced(self, *changes: tuple[ast.AST, str]) -> str:
        """The file's text with nodes replaced by other texts."""
        content = self.text.encode()
        for node, text in sorted(changes, key=lambda change: self.span(change[0]), reverse=True):
            begin, end = self.span(node)
            content = content[:begin] + text.encode() + content[end:]
        return content.decode()

    def inserted(self, line: int, text: str) -> str:
        """The file's text with `text` put before the 1-based line `line`."""
        lines = self.text.splitlines(keepends=True)
        return "".join([*lines[: line - 1], text, *lines[line - 1 :]])

    def without(self, node: ast.stmt) -> str:
        """The file's text without the lines of a definition, decorators included."""
        lines = self.text.splitlines(keepends=True)
        return "".join([*lines[: first_line(node) - 1], *lines[node.end_lineno or node.lineno :]])

    def lines_of(self, node: ast.stmt) -> str:
        """The lines of a definition, decorators included."""
        lines = self.text.splitlines(keepends=True)
        return "".join(lines[first_line(node) - 1 : node.end_lineno])


def first_line(node: ast.stmt) -> int:
    """The line on which a statement or its first decorator begins."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(item.lineno for item in decorators)])


class Tree:
    """The files of a project as they are before a mutation.

    Args:
        root: its folder.
        layout: where it has what.
        used: paths that examples load or read; most mutations go there. All, if none are named.
    """

    def __init__(self, root: Path, layout: Layout, used: frozenset[str] = frozenset()) -> None:
        self.root = root
        self.layout = layout
        self.used = used

    def text(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_text("utf-8")

    def paths(self, folder: str, *suffixes: str) -> list[str]:
        """Files below a folder with one of the suffixes, sorted."""
        found = (path for path in (self.root / folder).rglob("*") if path.suffix in suffixes)
        names = sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())
        left_out = (f"{self.layout.cookbook}/_captures", *self.layout.skipped)
        return [name for name in names if "__pycache__" not in name and not name.startswith(left_out)]

    @cached_property
    def modules(self) -> list[Source]:
        """The package's modules."""
        return [Source(path, self.text(path)) for path in self.paths(self.layout.package, ".py")]

    @cached_property
    def examples(self) -> list[Source]:
        """The scripts of the cookbook, without what is private."""
        scripts = self.paths(self.layout.cookbook, ".py")
        return [Source(path, self.text(path)) for path in scripts if "/_" not in path]

    @cached_property
    def code(self) -> list[Source]:
        """All Python files: modules, examples and what these share."""
        own = {source.path for source in self.examples}
        shared = [path for path in self.paths(self.layout.cookbook, ".py") if path not in own]
        return [*self.modules, *self.examples, *(Source(path, self.text(path)) for path in shared)]

    @cached_property
    def narratives(self) -> list[str]:
        """The texts beside the scripts."""
        return self.paths(self.layout.cookbook, ".md")

    def with_edit(self, edit: Edit, path: str) -> str | None:
        """The text of a file after an edit; `None` if there is none."""
        if path in edit.files:
            return edit.files[path]
        return self.text(path) if (self.root / path).is_file() else None


def apply(root: Path, edit: Edit) -> None:
    """Make the change in a folder."""
    for path, text in edit.files.items():
        place = root / path
        if text is None:
            place.unlink()
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8", newline="")


class Snapshot:
    """The bytes of some files and folders, to be put back.

    Args:
        root: the project's folder.
        paths: files and folders below it.
        without: a folder that is left alone.
    """

    def __init__(self, root: Path, *paths: str, without: str = "") -> None:
        self._root = root
        self._paths = paths
        self._without = str(root / without) + "/" if without else None
        self._kept = dict(self._read())

    def restore(self) -> None:
        """Make everything as it was when this was made."""
        now = dict(self._read())
        for path in now.keys() - self._kept.keys():
            path.unlink()
        for path, content in self._kept.items():
            if now.get(path) != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def _read(self) -> Iterator[tuple[Path, bytes]]:
        for name in self._paths:
            place = self._root / name
            for path in place.rglob("*") if place.is_dir() else [place]:
                if path.is_file() and not (self._without and str(path).startswith(self._without)):
                    yield path, path.read_bytes()


def diff(tree: Tree, edit: Edit) -> str:
    """The change as a unified diff."""
    parts: list[str] = []
    for path, text in edit.files.items():
        before = tree.text(path).splitlines(keepends=True) if (tree.root / path).is_file() else []
        after = text.splitlines(keepends=True) if text is not None else []
        parts += difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=1)
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)
