"""What code spans in prose mean: a symbol of the project to link to, or something else that exists."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.config import Project
from agno_lite.gallery.narrative.libraries import is_library, is_python, is_standard
from agno_lite.gallery.records import Analysis, Capture, Excerpt, Symbol

_CALL = re.compile(r"(?P<name>[A-Za-z_][\w.]*)\((?P<arguments>.*)\)", re.ASCII | re.DOTALL)
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*=\s*[^=\s].*", re.ASCII | re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?", re.ASCII)
_FILE_TYPES = (".py", ".md", ".toml", ".json", ".sql", ".yml", ".yaml", ".txt", ".lock", ".cfg")


class SymbolLookup(Protocol):
    """What is asked of an index of symbols."""

    def candidates(self, name: str, *, near: str | None = None) -> list[Symbol]:
        """Every symbol that a name may mean."""

    def suggestions(self, name: str) -> list[str]:
        """Names that resemble one."""

    def excerpt(
        self, symbol: Symbol, *, start: str | None = None, end: str | None = None, docstring: bool = True
    ) -> Excerpt:
        """A definition or a part of it."""


class Names:
    """The names that may stand in the text about an example, or in a guide.

    Args:
        project: the project; its files, and the words declared in its `pyproject.toml`, are known.
        index: finds its symbols.
        analysis: the example that the text is about; `None` for a guide. The script's own names are known,
            and settings and members of the objects that it constructs come before all others.
        capture: its run; keys and values on the wire, table names and the like are known too.
    """

    def __init__(
        self,
        *,
        project: Project,
        index: SymbolLookup,
        analysis: Analysis | None = None,
        capture: Capture | None = None,
    ) -> None:
        self.index = index
        self._project = project
        self._analysis = analysis
        self._capture = capture

    def definition(self, reference: str) -> Symbol:
        """The symbol that a directive names.

        Raises:
            GalleryError: there is none, or more than one.
        """
        found = self._candidates(reference)
        if len(found) != 1:
            raise GalleryError(self._problem(reference, found))
        return found[0]

    def find(self, span: str) -> Symbol | None:
        """The symbol that a code span names; `None` if it names something else, or is no name at all.

        Raises:
            GalleryError: it looks like a name, but nothing is called so, or several things are.
        """
        text = span.strip().removeprefix("await ").removeprefix("@")
        if call := _CALL.fullmatch(text):
            return self._call(call["name"], call["arguments"])
        if assignment := _ASSIGNMENT.fullmatch(text):
            return self._name(assignment["name"])
        return self._name(text)

    def _call(self, name: str, arguments: str) -> Symbol | None:
        """The function or class called; the parameter if just one is named, and each must exist."""
        called = self._name(name)
        if called is None or called.kind not in ("class", "function"):
            return called
        named = list(_named_arguments(arguments))
        found = [self.index.candidates(f"{called.name}({argument})") for argument in named]
        for argument, symbols in zip(named, found, strict=True):
            if not symbols and argument not in self._script_words:
                raise GalleryError(
                    f"expected a parameter of {called.name}, but it has no {argument!r}; correct it"
                )
        return found[0][0] if len(found) == 1 and found[0] else called

    def _name(self, text: str) -> Symbol | None:
        if self._is_path(text):
            return self._file(text)
        if not _IDENTIFIER.fullmatch(text):
            return None
        if not _is_distinctive(text):
            found = list(self._near(text))
            return found[0] if found else None
        found = self._candidates(text)
        if len(found) == 1:
            return found[0]
        if self._is_known(text):
            return None
        raise GalleryError(self._problem(text, found))

    def _candidates(self, name: str) -> list[Symbol]:
        """The script's own definitions, then what its objects have, then the whole project."""
        if self._analysis:
            own = self.index.candidates(f"{self._analysis.example.path}::{name}") if "/" not in name else []
            if found := own or list(self._near(name))[:1]:
                return found
        return self.index.candidates(name)

    def _near(self, name: str) -> Iterator[Symbol]:
        """Settings and members of the objects that the script constructs, those that it uses first."""
        configurations = self._analysis.configurations if self._analysis else ()
        classes = {item.variable: item.symbol.name for item in configurations if item.symbol}
        variable, _, member = name.partition(".")
        if member:
            yield from self.index.candidates(f"{classes[variable]}.{member}") if variable in classes else ()
            return
        for item in configurations:
            if item.symbol and any(setting.name == name and setting.source for setting in item.settings):
                yield from self.index.candidates(f"{item.symbol.name}({name})")
        for used, method, keywords in self._calls_of_members:
            if used in classes and name in (method, *keywords):
                called = f"{classes[used]}.{method}"
                yield from self.index.candidates(called if name == method else f"{called}({name})")
        for cls in classes.values():
            yield from self.index.candidates(f"{cls}({name})") or self.index.candidates(f"{cls}.{name}")

    def _is_path(self, text: str) -> bool:
        """Whether the text looks like a file or folder of the project."""
        if not _PATH.fullmatch(text):
            return False
        parts = PurePosixPath(text).parts
        in_folder = "/" in text and (text.endswith("/") or _exists(self._project.root / parts[0]))
        return in_folder or PurePosixPath(text).suffix in _FILE_TYPES

    def _file(self, text: str) -> Symbol | None:
        folder = PurePosixPath(self._analysis.example.path).parent.as_posix() if self._analysis else "."
        for base in (".", folder, self._project.docs):
            path = PurePosixPath(base, text)
            if _exists(self._project.root / path):
                found = self.index.candidates(path.as_posix()) if path.suffix == ".py" else []
                return found[0] if found else None
        if text in self._declared_words:
            return None
        raise GalleryError(
            f"expected a file of the project or beside the script, but there is no {text!r}; correct the path"
        )

    def _is_known(self, name: str) -> bool:
        """Whether the name is the script's, Python's, a library's, the run's or declared."""
        return (
            is_python(name)
            or name in self._declared_words
            or set(name.split(".")) <= self._script_words
            or name in self._run_words
            or is_standard(name)
            or is_library(name, self._imported_packages)
        )

    def _problem(self, name: str, found: list[Symbol]) -> str:
        if found:
            choices = ", ".join(sorted(symbol.name for symbol in found))
            return f"expected {name!r} to mean one thing, but it may be any of {choices}; write more of it"
        similar = self.index.suggestions(name)
        hint = f" to {' or '.join(similar)}" if similar else ""
        return (
            f"expected {name!r} to be a symbol, parameter, file, package or declared word, but nothing is "
            f"called so; correct it{hint}, or declare it under words in [tool.agno_lite.gallery]"
        )

    # --- what else is known ------------------------------------------------------------------

    @cached_property
    def _declared_words(self) -> frozenset[str]:
        """`words` under `[tool.agno_lite.gallery]` in the project's `pyproject.toml`."""
        file = self._project.root / "pyproject.toml"
        settings: Any = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        for key in ("tool", "agno_lite", "gallery"):
            settings = settings.get(key, {})
        return frozenset(settings.get("words", ()))

    @cached_property
    def _script(self) -> ast.Module:
        broken = self._analysis is None or self._analysis.error
        return ast.parse("" if broken or not self._analysis else self._analysis.text)

    @cached_property
    def _script_words(self) -> frozenset[str]:
        """Names, attributes, parameters, keywords and texts of the script."""
        words: set[str] = set()
        for node in ast.walk(self._script):
            words.update(value for _, value in ast.iter_fields(node) if isinstance(value, str))
        return frozenset(words)

    @cached_property
    def _calls_of_members(self) -> list[tuple[str, str, list[str | None]]]:
        """Calls such as `chat_agent.arun(text, user_id=…)`: variable, method and keywords."""
        return [
            (called.value.id, called.attr, [keyword.arg for keyword in call.keywords])
            for call in ast.walk(self._script)
            if isinstance(call, ast.Call) and isinstance(called := call.func, ast.Attribute)
            if isinstance(called.value, ast.Name)
        ]

    @cached_property
    def _imported_packages(self) -> frozenset[str]:
        """Top-level packages that the script imports."""
        names = [
            node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(self._script)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        return frozenset(name.split(".")[0] for name in names)

    @cached_property
    def _run_words(self) -> frozenset[str]:
        """Keys and texts on the wire and in spans, and names of tables."""
        if self._capture is None:
            return frozenset()
        attributes = [[span.kind, span.attributes] for span in self._capture.spans]
        tables = self._capture.storage.tables if self._capture.storage else {}
        return frozenset(_texts([self._capture.bodies, attributes, tables]))


def _exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that is too long is none."""
    try:
        return path.exists()
    except OSError:
        return False


def _is_distinctive(identifier: str) -> bool:
    """Whether nothing but a name looks so: dotted, `snake_case`, `CamelCase` or `Capitalised`."""
    return "." in identifier or "_" in identifier.strip("_") or bool(re.match(r"_*[A-Z]+[a-z]", identifier))


def _named_arguments(arguments: str) -> Iterator[str]:
    """Keywords of a call, and a single bare name in it: `Agent(db)` speaks of the parameter."""
    try:
        call = ast.parse(f"f({arguments})", mode="eval").body
    except (SyntaxError, ValueError):
        return
    if isinstance(call, ast.Call):
        match call.args, call.keywords:
            case [ast.Name(id=name)], []:
                yield name
        yield from (keyword.arg for keyword in call.keywords if keyword.arg)


def _texts(value: Any) -> Iterator[str]:
    """All keys and texts inside JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
