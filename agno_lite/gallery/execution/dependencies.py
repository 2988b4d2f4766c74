"""What a run depended on, and whether that has changed since. Nothing is executed to find out.

A change counts if it is in the script, in a definition of an imported module (its *skeleton*: everything
but function bodies), in the body of a function that was entered, in a file that was read, or in the
version of an imported package. Comments, positions and docstrings do not count; the docstring of a
function counts where its words were in a request or in the output, as a tool's are.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution.probes import Function, functions
from agno_lite.gallery.records import Dependencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.execution.raw import RawRun
    from agno_lite.gallery.records import Capture

ABSENT = "absent"
"""Stands for the hash of a file that is not there."""
_EDITED = "edited during the run"
"""Stands for the hash of code that may not be what was run."""
_DOCSTRING = ".__doc__"
"""Ends the name under which the docstring of a function is kept beside its body."""
_NOT_PROJECT = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders below a project's root that are not part of it; nor are those whose name begins with a dot."""
_UNIMPORTANT = frozenset({"type_comment", "kind", "type_ignores"})
"""Fields of syntax trees that mean nothing to a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """What there is to know of one version of a Python file."""

    whole: str
    """Hash of all code in it."""
    skeleton: str
    """Hash of all code but function bodies."""
    bodies: dict[str, str]
    """Hash of each function's body by qualified name; functions inside functions belong to the outer one."""
    docstrings: dict[str, str]
    """Each function's docstring by qualified name."""


# --- at the capture ----------------------------------------------------------------------------


def compute(project: Project, script: str, run: RawRun) -> Dependencies:
    """Everything that a run depended on, as it is now.

    Args:
        project: the project.
        script: path of the script.
        run: what happened.

    Returns:
        The dependencies. A file that was edited while the script ran does not count as known: the capture
        is stale from the beginning.
    """
    modules = [path for path in run.modules if path != script]
    texts = list(_strings([[exchange.request for exchange in run.exchanges], run.stdout, run.stderr]))
    entered: dict[str, dict[str, str]] = {}
    for path, name in _used(project, script, run, texts):
        entered.setdefault(path, {})[name] = _named(_file(project, path), name)
    return Dependencies(
        script=file.whole if (file := _loaded(project, run, script)) else _EDITED,
        modules={
            path: file.skeleton if (file := _loaded(project, run, path)) else _EDITED
            for path in sorted(modules)
        },
        functions={path: dict(sorted(names.items())) for path, names in sorted(entered.items())},
        files={path: _content(project.root / path) for path in sorted(_files(project, run, modules, script))},
        packages=_packages(project, run.imports),
    )


def _loaded(project: Project, run: RawRun, path: str) -> _File | None:
    """A file if it still is what was loaded, as a script with a syntax error never was."""
    try:
        status = (project.root / path).stat()
    except FileNotFoundError:
        return None
    unedited = run.modules.get(path) in (None, (status.st_mtime, status.st_size))
    return _file(project, path) if unedited else None


def _used(project: Project, script: str, run: RawRun, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Path and name of each function whose body was entered, and of each docstring that was put to use."""
    for entry in run.entered:
        if entry.path != script:
            yield entry.path, _outermost(entry.name)
    everything = "\n".join(texts)
    for path in run.modules:
        file = _file(project, path)
        for name, docstring in file.docstrings.items() if file else ():
            if docstring.strip().partition("\n")[0] in everything:
                yield path, name + _DOCSTRING


def _outermost(name: str) -> str:
    return name.partition(".<locals>")[0]


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value if isinstance(value, list) else value.values():
            yield from _strings(item)


def _files(project: Project, run: RawRun, modules: Iterable[str], script: str) -> Iterator[str]:
    """Paths that were read, looked for or listed (with a `/` at the end)."""
    code = {script, *modules}
    environment = sys.prefix.removeprefix(f"{project.root}/") + "/"
    for path, use in run.files:
        parts = path.split("/")
        own = not any(part in _NOT_PROJECT or part.startswith(".") for part in parts)
        if own and use != "write" and path not in code and not path.startswith(environment):
            yield f"{path}/" if use == "list" else path


def _packages(project: Project, imports: Iterable[str]) -> dict[str, str]:
    """Version of each distribution, but for the project's own, of which modules were imported."""
    names = {name.partition(".")[0] for name in imports}
    known = _distributions()
    found = {
        distribution
        for name in names - set(project.packages) - sys.stdlib_module_names
        for distribution in known.get(name, ())
    }
    return {name: _version(name) for name in sorted(found, key=str.lower)}


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ABSENT


# --- afterwards --------------------------------------------------------------------------------


def changes(project: Project, capture: Capture) -> tuple[str, ...]:
    """Why a capture is stale, in plain words; empty if it is fresh.

    For example `agno_lite/agent/agent.py: body of Agent.arun changed`, `package openai: 3.52.0 → 3.53.0`,
    `script changed`.
    """
    then = capture.dependencies
    return (
        *_script_changes(project, capture.example, then.script),
        *_code_changes(project, then),
        *_file_changes(project, then.files),
        *_package_changes(then.packages),
    )


def _script_changes(project: Project, script: str, then: str) -> Iterator[str]:
    file = _file(project, script)
    if file is None:
        yield f"{script}: file is gone"
    elif file.whole != then:
        yield "script changed"


def _code_changes(project: Project, then: Dependencies) -> Iterator[str]:
    for path in sorted(then.modules.keys() | then.functions.keys()):
        file = _file(project, path)
        if file is None:
            yield f"{path}: file is gone"
        else:
            if then.modules.get(path, file.skeleton) != file.skeleton:
                yield f"{path}: a definition outside function bodies changed"
            yield from _function_changes(path, file, then.functions.get(path, {}))


def _function_changes(path: str, file: _File, then: Mapping[str, str]) -> Iterator[str]:
    for name, known in then.items():
        now = _named(file, name)
        if now != known:
            what = (
                f"docstring of {name.removesuffix(_DOCSTRING)}"
                if name.endswith(_DOCSTRING)
                else f"body of {name}"
            )
            yield f"{path}: {what} {'is gone' if now == ABSENT else 'changed'}"


def _file_changes(project: Project, then: Mapping[str, str]) -> Iterator[str]:
    for path, known in then.items():
        now = _content(project.root / path)
        if now == known:
            continue
        if known == ABSENT:
            yield f"{path}: file is there now"
        elif now == ABSENT:
            yield f"{path}: file is gone"
        else:
            yield f"{path}: {'list of files' if path.endswith('/') else 'file'} changed"


def _package_changes(then: Mapping[str, str]) -> Iterator[str]:
    for name, known in then.items():
        now = _version(name)
        if now != known:
            yield f"package {name}: {known} → {now}"


# --- hashes ------------------------------------------------------------------------------------


def _content(path: Path) -> str:
    """Hash of a file's bytes, or of a folder's names."""
    if path.is_dir():
        names = sorted(item.name for item in path.iterdir() if item.name not in _NOT_PROJECT)
        return _hash("\n".join(name for name in names if not name.startswith(".")).encode())
    return _hash(path.read_bytes()) if path.is_file() else ABSENT


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _named(file: _File | None, name: str) -> str:
    """Hash of a function's body or docstring."""
    if file is None:
        return ABSENT
    if name.endswith(_DOCSTRING):
        docstring = file.docstrings.get(name.removesuffix(_DOCSTRING))
        return ABSENT if docstring is None else _hash(docstring.encode())
    return file.bodies.get(name, ABSENT)


def _file(project: Project, path: str) -> _File | None:
    """What there is to know of a Python file; `None` if it is gone."""
    absolute = project.root / path
    try:
        status = absolute.stat()
        return _parsed(absolute, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


@functools.lru_cache(maxsize=4096)
def _parsed(path: Path, _mtime_ns: int, _size: int) -> _File:
    """Parse a file, once for each version of it; one that cannot be parsed is known by its bytes."""
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return _File(whole=_hash(content), skeleton=_hash(content), bodies={}, docstrings={})
    named = list(functions(tree))
    docstrings = {name: text for name, function in named if (text := ast.get_docstring(function))}
    _drop_docstrings(tree)
    whole = _tree_hash(tree)
    bodies: dict[str, list[ast.AST]] = {}
    for name, function in named:
        if _outermost(name) == name:
            # Several functions of one name: overloads, a property and its setter, alternatives.
            bodies.setdefault(name, []).append(ast.Module(body=function.body, type_ignores=[]))
    hashes = {name: _hash("".join(map(_tree_hash, parts)).encode()) for name, parts in bodies.items()}
    for name, function in named:
        if _outermost(name) == name:
            function.body = []
    return _File(whole=whole, skeleton=_tree_hash(tree), bodies=hashes, docstrings=docstrings)


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.Module, ast.ClassDef, Function))
            and ast.get_docstring(node, clean=False) is not None
        ):
            del node.body[0]


def _tree_hash(tree: ast.AST) -> str:
    return _hash("".join(_spelled(tree)).encode())


def _spelled(node: Any) -> Iterator[str]:
    """A syntax tree as text, the same in every version of Python that gives the same tree.

    `ast.dump` shows fields that are empty in some versions and not in others.
    """
    if isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in _UNIMPORTANT:
                yield f"{name}="
                yield from _spelled(value)
        yield ")"
    elif isinstance(node, list):
        for item in node:
            yield from _spelled(item)
            yield ","
    else:
        yield repr(node)
