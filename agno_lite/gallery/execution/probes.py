"""Which functions a run enters: one statement at the head of each function of the project.

Tracers would see the same at three times the CPU, and would show up in the memory figures that
examples measure. The statement costs a test once a function has been entered.
"""

from __future__ import annotations

import ast
import builtins
import functools
import os
import sys
from contextvars import ContextVar
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType

    from agno_lite.gallery.execution.journal import Journal
    from agno_lite.tracing import Span


class _Place(set[int]):
    """The functions that were entered at one place of a run: inside a span, or outside all.

    Spans of one name at one place share theirs, so that a thousand equal runs leave no more than one.
    """

    def __init__(self, span: Span | None, outer: _Place | None, *, script_flow: bool = True) -> None:
        super().__init__()
        self.span = span.number if span else None
        self.name = span.name if span else None
        self.outer = outer
        self.script_flow = script_flow
        self.inner: dict[str, _Place] = {}


_place: ContextVar[_Place] = ContextVar("agno_lite_gallery_place")
"""Where the present flow of control is.

It goes along with what the script's flow hands its context to: coroutines, `asyncio.to_thread`. A bare
thread begins with an empty context; what that does first is a matter of chance, and so it is told apart.
"""


class Probes:
    """Gives each function a number, and notes the first time that it is entered at each place.

    The code under observation finds `__place__` and `__entered__` among the builtins: a module's own
    names stay as they are, and a function keeps working when its code is copied elsewhere.
    """

    def __init__(self, journal: Journal, root: Path) -> None:
        self._journal = journal
        self._root = root
        self._functions: list[tuple[str, str]] = []
        self._background = _Place(None, None, script_flow=False)

    def install(self, *, script_flow: bool = True) -> None:
        """Make the probes' names known to all code, and call the present flow the script's own, if it is."""
        vars(builtins).update(
            __place__=functools.partial(_place.get, self._background), __entered__=self._entered
        )
        if script_flow:
            _place.set(_Place(None, None))

    def on_start(self, span: Span) -> None:
        """From now on functions are entered inside this span."""
        outer = _place.get(self._background)
        if span.name not in outer.inner:
            outer.inner[span.name] = _Place(span, outer)
        _place.set(outer.inner[span.name])

    def on_end(self, span: Span) -> None:
        """From now on functions are entered outside this span."""
        place = _place.get(self._background)
        # A generator that is closed early ends its spans in a context that never was inside them.
        if place.outer is not None and place.name == span.name:
            _place.set(place.outer)

    def compile(self, tree: ast.Module, path: str, version: tuple[float, int]) -> CodeType:
        """Compile a module with its probes; the tree is changed.

        Args:
            tree: the module.
            path: its file.
            version: time of the file's last change and its size, taken before it was read.
        """
        relative = self.note_module(path, version)
        for name, function in functions(tree):
            _insert(function, len(self._functions))
            self._functions.append((relative, name))
        return compile(tree, path, "exec", dont_inherit=True)

    def note_module(self, path: str, version: tuple[float, int]) -> str:
        """Note that a file is loaded; gives its path relative to the project."""
        relative = Path(path).relative_to(self._root).as_posix()
        self._journal.write("module", path=relative, version=version)
        return relative

    def _entered(self, number: int) -> None:
        """Note that a function is entered where it was not before."""
        place = _place.get(self._background)
        place.add(number)
        path, name = self._functions[number]
        self._journal.write("enter", path=path, name=name, span=place.span, script_flow=place.script_flow)


def parsed(source: bytes, path: str) -> ast.Module:
    """The syntax tree of a file; an error in it is raised from here, as from the file itself."""
    tree = compile(source, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _insert(function: Function, number: int) -> None:
    """Put the probe before the first statement that is not the docstring, on that statement's line."""
    position = int(ast.get_docstring(function, clean=False) is not None)
    (probe,) = ast.parse(f"{number} in __place__() or __entered__({number})").body
    neighbour = function.body[min(position, len(function.body) - 1)]
    for node in ast.walk(probe):
        ast.copy_location(node, neighbour)
    function.body.insert(position, probe)


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """All functions of a tree with their qualified names, as `__qualname__` spells them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.<locals>.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


_NOT_PROJECT = frozenset({"node_modules", "site-packages", "dist-packages"})
"""Folders below a project's root whose modules are not its own; nor are those in hidden folders."""


class ProjectFinder(MetaPathFinder):
    """Finds the project's modules and has them compiled with probes.

    The project's packages are always taken from its own folder, wherever else they are installed.
    """

    def __init__(self, probes: Probes, journal: Journal, root: Path, packages: Sequence[str]) -> None:
        self._probes = probes
        self._journal = journal
        self._root = str(root)
        self._packages = frozenset(packages)
        self._code: dict[str, bool] = {}

    def install(self) -> None:
        """Ask this finder just before Python looks through `sys.path`."""
        sys.meta_path.insert(sys.meta_path.index(PathFinder), self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the project; `None` for every other."""
        places = self._places(fullname, path)
        spec = PathFinder.find_spec(fullname, places, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = self._probing(fullname, spec.loader)
        elif spec is None and path is not None:
            self._note_absent(fullname, places)
        return spec

    def _note_absent(self, fullname: str, places: Sequence[str]) -> None:
        """Note that a package was asked for a module that it does not have."""
        name = fullname.rpartition(".")[2]
        for file in (f"{name}.py", f"{name}/__init__.py"):
            for place in places:
                relative = Path(place, file).relative_to(self._root).as_posix()
                self._journal.write("file", path=relative, use="look")

    def _probing(self, fullname: str, loader: SourceFileLoader) -> SourceFileLoader:
        """The loader to use; Python's own for a module with an error, which that one tells in its own way."""
        status = loader.path_stats(loader.path)
        version = status["mtime"], status["size"]
        try:
            tree = parsed(loader.get_data(loader.path), loader.path)
        except (SyntaxError, ValueError):
            self._probes.note_module(loader.path, version)
            return loader
        return _ProbingLoader(fullname, loader.path, self._probes.compile(tree, loader.path, version))

    def _places(self, fullname: str, path: Sequence[str] | None) -> list[str]:
        """Folders of the project in which a module may be found, absolute."""
        if path is None and fullname in self._packages:
            return [self._root]
        places = map(os.path.abspath, sys.path if path is None else path)
        return [place for place in places if self._is_code(place)]

    def _is_code(self, place: str) -> bool:
        if place not in self._code:
            self._code[place] = self._is_own(place)
        return self._code[place]

    def _is_own(self, place: str) -> bool:
        """Whether a folder is the project's, and not one of installed packages inside it."""
        if not f"{place}/".startswith(f"{self._root}/") or f"{place}/".startswith(f"{sys.prefix}/"):
            return False
        parts = Path(place).relative_to(self._root).parts
        return not any(part.startswith(".") or part in _NOT_PROJECT for part in parts)


class _ProbingLoader(SourceFileLoader):
    """Gives a module with probes, and neither reads nor writes the shared cache of compiled modules."""

    def __init__(self, fullname: str, path: str, code: CodeType) -> None:
        super().__init__(fullname, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the interface of loaders
        """The compiled module."""
        return self._code
