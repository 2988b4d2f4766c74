"""What a run depended on: the key under which its capture is kept.

A change counts if it is in a definition of the script or of an imported module (its *skeleton*: everything
but function bodies), in the body of a function that was entered, in a file that was read or looked for, in
a folder that was listed, in the version of an imported package, or in a declared environment variable.
Comments, positions and docstrings do not count; a docstring counts where its words were in a request or in
the output, as a tool's are.
"""

from __future__ import annotations

import functools
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution.code import ABSENT, DOCSTRING, Code, hashed, parse
from agno_lite.gallery.execution.environment import declared
from agno_lite.gallery.records import Dependencies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.execution.raw import RawRun

PRESENT = "present"
"""Stands for the hash of a file that was looked for and not read."""
_EDITED = "edited during the run"
"""Stands for the hash of code that may not be what was run."""
_NOT_PROJECT = frozenset({"__pycache__", "node_modules", "site-packages"})
"""Folders below a project's root that are not part of it; nor are those whose name begins with a dot."""
_LAUNCHER = "agno_lite/db/embedded/"
"""What functions of the private database's launcher are entered depends on the machine, not on the script."""


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
    paths = sorted(path for path in run.modules if path != script)
    loaded = {path: _loaded(project, run, path) for path in paths}
    main = _loaded(project, run, script)
    texts = list(_strings([[exchange.request for exchange in run.exchanges], run.stdout, run.stderr]))
    entered: dict[str, dict[str, str]] = {}
    for path, name in _used(project, run, texts):
        entered.setdefault(path, {})[name] = hash_of(code_of(project, path), name)
    return Dependencies(
        script=main.script if main else _EDITED,
        modules={path: code.skeleton if code else _EDITED for path, code in loaded.items()},
        functions={path: dict(sorted(names.items())) for path, names in sorted(entered.items())},
        files=dict(sorted(_files(project, run, {script, *paths}))),
        packages=_packages(project, run.imports),
        environment=declared(project, script),
        definitions={code.skeleton: code.definitions for code in loaded.values() if code},
    )


def _loaded(project: Project, run: RawRun, path: str) -> Code | None:
    """A file if it still is what was loaded, as a script with a syntax error never was."""
    try:
        status = (project.root / path).stat()
    except FileNotFoundError:
        return None
    unedited = run.modules.get(path) in (None, (status.st_mtime, status.st_size))
    return code_of(project, path) if unedited else None


def _used(project: Project, run: RawRun, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Path and name of each function whose body was entered, and of each docstring that was put to use."""
    for entry in run.entered:
        if not entry.path.startswith(_LAUNCHER):
            yield entry.path, entry.name
    everything = "\n".join(texts)
    for path in run.modules:
        code = code_of(project, path)
        for name, docstring in code.docstrings.items() if code else ():
            if docstring.strip().partition("\n")[0] in everything:
                yield path, name


def _strings(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value if isinstance(value, list) else value.values():
            yield from _strings(item)


def _files(project: Project, run: RawRun, code: set[str]) -> Iterator[tuple[str, str]]:
    """Paths that were read, looked for or listed (with a `/` at the end), and what was there."""
    environment = sys.prefix.removeprefix(f"{project.root}/") + "/"
    for path, use in run.files:
        parts = path.split("/")
        own = path == "." or not any(part in _NOT_PROJECT or part.startswith(".") for part in parts)
        if not own or use == "write" or path.startswith(environment) or (path in code and use != "text"):
            continue
        place = project.root / path
        if use != "look":
            yield f"{path}/" if use == "list" else path, content_of(place)
        elif not place.is_dir():  # a folder on the way to a file says nothing that the file does not
            yield path, PRESENT if place.exists() else ABSENT


def _packages(project: Project, imports: Iterable[str]) -> dict[str, str]:
    """Version of each distribution, but for the project's own, of which modules were imported."""
    names = {name.partition(".")[0] for name in imports}
    known = _distributions()
    found = {
        distribution
        for name in names - set(project.packages) - sys.stdlib_module_names
        for distribution in known.get(name, ())
    }
    return {name: version_of(name) for name in sorted(found, key=str.lower)}


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


# --- what is there now -------------------------------------------------------------------------


def version_of(distribution: str) -> str:
    """The installed version of a distribution, or `absent`."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ABSENT


def content_of(path: Path) -> str:
    """Hash of a file's bytes, or of a folder's names; or `absent`."""
    if path.is_dir():
        names = sorted(item.name for item in path.iterdir() if item.name not in _NOT_PROJECT)
        return hashed("\n".join(name for name in names if not name.startswith(".")).encode())
    return hashed(path.read_bytes()) if path.is_file() else ABSENT


def hash_of(code: Code | None, name: str) -> str:
    """Hash of a function's body or of a docstring; or `absent`."""
    if code is None:
        return ABSENT
    if name.endswith(DOCSTRING):
        docstring = code.docstrings.get(name)
        return ABSENT if docstring is None else hashed(docstring.encode())
    return code.bodies.get(name, ABSENT)


def code_of(project: Project, path: str) -> Code | None:
    """What there is to know of a Python file; `None` if it is gone."""
    absolute = project.root / path
    try:
        status = absolute.stat()
        return _parsed(absolute, status.st_mtime_ns, status.st_size)
    except OSError:
        return None


@functools.lru_cache(maxsize=4096)
def _parsed(path: Path, _mtime_ns: int, _size: int) -> Code:
    """Parse a file, once for each version of it."""
    return parse(path.read_bytes())
