"""Questions about what depends on what: why an example is stale, and which examples depend on a symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agno_lite.exceptions import GalleryError
from agno_lite.gallery.analysis import SymbolIndex
from agno_lite.gallery.config import Project
from agno_lite.gallery.discovery import discover
from agno_lite.gallery.execution import staleness
from agno_lite.gallery.records import Capture, Change, Dependencies, Example
from agno_lite.gallery.store import Store

_DOCSTRING = ".__doc__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an example has to run again, or what it would have to run again for."""

    example: Example
    """Which one."""
    captured: bool
    """Whether it ever ran."""
    changes: tuple[Change, ...]
    """What changed since."""
    counts: dict[str, int]
    """How many things of each kind it depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """An example that depends on something."""

    example: Example
    """Which one."""
    kinds: tuple[str, ...]
    """In which ways, in plain words."""


def why(project: Project, path: Path) -> Explanation:
    """What makes an example stale, or what it depends on if it is fresh. Runs nothing.

    Raises:
        GalleryError: the path is not that of an example.
    """
    example = _example(project, path)
    store = Store(project)
    known = store.load(example)
    if known is None:
        return Explanation(example=example, captured=False, changes=(), counts={})
    changes = staleness.changes(project, known, store.definitions)
    counts = _counts(known.dependencies)
    return Explanation(example=example, captured=True, changes=changes, counts=counts)


def dependents(project: Project, name: str) -> tuple[Dependent, ...]:
    """The examples that depend on a symbol, file, folder, package or environment variable. Runs nothing.

    Args:
        project: the project.
        name: full name of a symbol or its end, as `Agent.arun`; or a path; or the name of a package or of a
            variable.

    Raises:
        GalleryError: nothing is called so.
    """
    store = Store(project)
    known = [(example, capture) for example in discover(project) if (capture := store.load(example))]
    found = tuple(
        Dependent(example=example, kinds=kinds)
        for example, capture in known
        if (kinds := tuple(dict.fromkeys(_kinds(store, capture, name.removesuffix("()")))))
    )
    if not found:
        _check_exists(project, name)
    return found


def _example(project: Project, path: Path) -> Example:
    for example in discover(project):
        if project.root / example.path == path.resolve() or example.path == path.as_posix():
            return example
    raise GalleryError(
        f"{path}: expected a script of {project.root / project.cookbook}, but it is none; "
        "see what there is with: agno-lite gallery deps agno_lite"
    )


def _check_exists(project: Project, name: str) -> None:
    if (project.root / name).exists():
        return
    index = SymbolIndex(project)
    if not index.candidates(name):
        similar = index.suggestions(name)
        remedy = f"did you mean {', '.join(similar)}?" if similar else "correct it"
        raise GalleryError(
            f"{name}: expected a symbol, file, package or variable of the project, found none; {remedy}"
        )


def _counts(known: Dependencies) -> dict[str, int]:
    names = [name for functions in known.functions.values() for name in functions]
    docstrings = sum(name.endswith(_DOCSTRING) for name in names)
    looked = sum(value in ("absent", "present") for value in known.files.values())
    folders = sum(path.endswith("/") for path in known.files)
    return {
        "script": 1,
        "modules imported": len(known.modules),
        "functions entered": len(names) - docstrings,
        "docstrings shown": docstrings,
        "files read": len(known.files) - looked - folders,
        "folders listed": folders,
        "files looked for": looked,
        "packages imported": len(known.packages),
        "environment variables": len(known.environment),
    }


# --- ways to depend on something ---------------------------------------------------------------


def _kinds(store: Store, capture: Capture, name: str) -> Iterator[str]:
    known = capture.dependencies
    if name == capture.example:
        yield "is the script"
    if name in known.packages:
        yield f"imports the package, version {known.packages[name]}"
    if name in known.environment:
        yield "declares the environment variable"
    yield from _file_kinds(known.files, name)
    for path, skeleton in known.modules.items():
        functions = known.functions.get(path, {})
        if name in (path, _dotted(path)):
            yield f"imports the module and enters {len(functions)} of its functions"
        else:
            yield from _symbol_kinds(path, functions, store.definitions(skeleton) or {}, name)


def _file_kinds(files: Mapping[str, str], name: str) -> Iterator[str]:
    folder = f"{name.rpartition('/')[0] or '.'}/"
    if name in files:
        yield "looks for the file" if files[name] in ("absent", "present") else "reads the file"
    if f"{name.rstrip('/')}/" in files or ("/" in name and folder in files):
        yield "lists the folder"


def _symbol_kinds(
    path: str, functions: Mapping[str, str], definitions: Mapping[str, str], name: str
) -> Iterator[str]:
    """How a symbol of a module is used: its body, its docstring, or only that it is defined as it is."""
    for function in functions:
        symbol = function.removesuffix(_DOCSTRING)
        if _is_named(path, symbol, name):
            yield f"shows the docstring of {symbol}" if symbol != function else f"enters {symbol}"
    for symbol in definitions:
        if _is_named(path, symbol, name, inside=False):
            yield f"imports the module that defines {symbol}"


def _is_named(path: str, symbol: str, name: str, *, inside: bool = True) -> bool:
    """Whether a symbol has that name or ends with it, or is inside of what does."""
    known = f".{_dotted(path)}"
    ends = []
    for part in symbol.split("."):
        known += f".{part}"
        ends.append(known.endswith(f".{name}"))
    return any(ends) if inside else ends[-1]


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
