"""Why a capture is stale: what of its dependencies is not what it was. Nothing is executed to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from agno_lite.gallery.execution.code import ABSENT, DOCSTRING, Code, is_shown, value_of
from agno_lite.gallery.execution.dependencies import PRESENT, code_of, content_of, hash_of, version_of
from agno_lite.gallery.execution.environment import declared
from agno_lite.gallery.records import Change

if TYPE_CHECKING:
    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import Capture, Dependencies

Definitions = Callable[[str], Mapping[str, str] | None]
"""Gives what a skeleton with some hash defined; `None` if that was not kept."""


def changes(project: Project, capture: Capture, definitions: Definitions) -> tuple[Change, ...]:
    """Why a capture is stale, by symbol; empty if it is fresh.

    Args:
        project: the project.
        capture: the capture.
        definitions: gives what the skeletons of that time defined.

    Raises:
        GalleryError: a declaration of environment variables is wrong.
    """
    then = capture.dependencies
    return (
        *script_changes(project, capture.example, then),
        *part_changes(project, then, definitions),
        *environment_changes(project, capture.example, then),
    )


def part_changes(project: Project, then: Dependencies, definitions: Definitions) -> Iterator[Change]:
    """What changed of that which captures may have in common: modules, files and packages."""
    yield from _code_changes(project, then, definitions)
    yield from _file_changes(project, then.files)
    yield from _package_changes(then.packages)


def script_changes(project: Project, script: str, then: Dependencies) -> Iterator[Change]:
    """Whether the script itself changed, other than in the body of a function."""
    code = code_of(project, script)
    if code is None:
        if script not in then.functions:
            yield _gone(script)
    elif code.script != then.script:
        yield Change(kind="script", name=script, path=script, text="script changed")


def _code_changes(project: Project, then: Dependencies, definitions: Definitions) -> Iterator[Change]:
    for path in sorted(then.modules.keys() | then.functions.keys()):
        code = code_of(project, path)
        if code is None:
            yield _gone(path)
        else:
            known = then.modules.get(path, code.skeleton)
            if known != code.skeleton:
                yield from _definition_changes(path, definitions(known), code.definitions)
            yield from _function_changes(path, code, then)


def _gone(path: str) -> Change:
    return Change(kind="module", name=path, path=path, text=f"{path}: file is gone")


# --- definitions and bodies --------------------------------------------------------------------


def _definition_changes(
    path: str, then: Mapping[str, str] | None, now: Mapping[str, str]
) -> Iterator[Change]:
    """What differs between two skeletons, by symbol as far as it was kept what the first one defined."""
    if not then or not now:
        text = f"{path}: a definition outside function bodies changed"
        yield Change(kind="module", name=path, path=path, text=text)
        return
    names = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if not names:
        yield Change(kind="module", name=path, path=path, text=f"{path}: the order of definitions changed")
    moved = then.keys() ^ now.keys()
    # A signature counts its parameters: those that came or went say it better.
    told = {name.partition("(")[0] for name in moved if name.endswith(")")} - moved
    for name in names:
        if name not in told and moved.isdisjoint(_owners(name)):
            symbol = _symbol(path, name)
            text = _definition_text(symbol, then.get(name), now.get(name))
            yield Change(kind="definition", name=symbol, path=path, text=text)


def _owners(name: str) -> Iterator[str]:
    """The function of a parameter, and the classes around."""
    owner, bracket, _ = name.partition("(")
    if bracket:
        yield owner
    while "." in owner:
        owner = owner.rpartition(".")[0]
        yield owner


def _definition_text(symbol: str, then: str | None, now: str | None) -> str:
    function, _, parameter = symbol.removesuffix(")").partition("(")
    what = f"{function}: parameter {parameter}" if parameter else symbol
    if then is None or now is None:
        return f"{what} is {'new' if then is None else 'gone'}"
    (old_type, old), (new_type, new) = value_of(then), value_of(now)
    if old_type != new_type or old is None or new is None:
        old, new = then, now
    elif parameter:
        what = f"{function}: the default of {parameter}"
    return f"{what} changed: {old} → {new}" if is_shown(old) and is_shown(new) else f"{what} changed"


def _function_changes(path: str, code: Code, then: Dependencies) -> Iterator[Change]:
    renewed = then.modules.get(path) != code.skeleton
    for name, known in then.functions.get(path, {}).items():
        now = hash_of(code, name)
        # That a function is gone is told as a change of the definitions.
        if now != known and not (renewed and now == ABSENT and not name.endswith(DOCSTRING)):
            kind = "docstring" if name.endswith(DOCSTRING) else "body"
            symbol = _symbol(path, name.removesuffix(DOCSTRING).removesuffix("."))
            text = f"{symbol}: {kind} {'is gone' if now == ABSENT else 'changed'}"
            yield Change(kind=kind, name=symbol, path=path, text=text)


def _symbol(path: str, name: str) -> str:
    """Full name of a symbol: dotted, or with the path of a file that cannot be imported by name."""
    module = path.removesuffix(".py").removesuffix("/__init__")
    if all(part.isidentifier() for part in module.split("/")):
        return f"{module.replace('/', '.')}.{name}".removesuffix(".")
    return f"{path}::{name}".removesuffix("::")


# --- everything else ---------------------------------------------------------------------------


def _file_changes(project: Project, then: Mapping[str, str]) -> Iterator[Change]:
    for path, known in then.items():
        now = content_of(project.root / path)
        if known == PRESENT and now != ABSENT:
            continue
        if now != known:
            listed = path.endswith("/")
            what = f"{'list of files' if listed else 'file'} changed"
            what = {known: "file is there now", now: "file is gone"}.get(ABSENT, what)
            yield Change(kind="folder" if listed else "file", name=path, path=path, text=f"{path}: {what}")


def _package_changes(then: Mapping[str, str]) -> Iterator[Change]:
    for name, known in then.items():
        now = version_of(name)
        if now != known:
            yield Change(kind="package", name=name, path="", text=f"package {name}: {known} → {now}")


def environment_changes(project: Project, script: str, known: Dependencies) -> Iterator[Change]:
    """What changed of the environment variables that are declared for a script."""
    then, now = known.environment, declared(project, script)
    for name in sorted(then.keys() | now.keys()):
        if name not in now or name not in then:
            what = "is declared now" if name in now else "is not declared any more"
        elif then[name] == now[name]:
            continue
        else:
            old, new = ("not set" if value is None else repr(value) for value in (then[name], now[name]))
            what = f"changed: {old} → {new}"
        yield Change(kind="environment", name=name, path="", text=f"environment variable {name} {what}")
