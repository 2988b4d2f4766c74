"""What else a run does: spans, files that it opens or looks for, packages that it imports."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from importlib.util import source_from_cache
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from agno_lite.gallery.execution.journal import Journal
    from agno_lite.tracing import Span


class SpanWatcher:
    """Notes the spans of the runtime."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def on_start(self, span: Span) -> None:
        """Note that a span began, with what is known of it so far."""
        self._journal.write(
            "span",
            number=span.number,
            kind=span.kind,
            name=span.name,
            parent=span.parent.number if span.parent else None,
            concurrent=span.concurrent,
            attributes=plain(span.attributes),
        )

    def on_end(self, span: Span) -> None:
        """Note that it ended, with all that is known of it."""
        error = f"{type(span.error).__name__}: {span.error}" if span.error else None
        self._journal.write("end", number=span.number, attributes=plain(span.attributes), error=error)


class FileWatcher:
    """Notes files below the project's root that are opened, listed, or looked for."""

    def __init__(self, journal: Journal, root: str) -> None:
        self._journal = journal
        self._root = root + os.sep
        self._seen: set[tuple[str, str]] = set()
        self._imported: set[str] = set()

    def install(self) -> None:
        """Watch until the process ends: an audit hook cannot be taken off."""
        sys.addaudithook(self._audit)
        for name in ("stat", "lstat", "access"):
            self._watch(name)

    def _watch(self, name: str) -> None:
        """Note what is looked for with a function of `os`, be it there or not."""
        function: Callable[..., Any] = getattr(os, name)

        def watched(path: Any, *arguments: Any, **options: Any) -> Any:
            if options.get("dir_fd") is None:
                self._note(path, "look")
            return function(path, *arguments, **options)

        setattr(os, name, functools.wraps(function)(watched))
        for able in (
            os.supports_dir_fd,
            os.supports_fd,
            os.supports_follow_symlinks,
            os.supports_effective_ids,
        ):
            if function in able:
                able.add(watched)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Called by Python at everything that it does, so the quickest way out comes first."""
        if event == "open":
            path, mode, flags = arguments
            shown = str(path).endswith(".py") and not _is_import_system()
            self._note(_source(path), "write" if _writes(mode, flags) else "text" if shown else "read")
        elif event in ("os.listdir", "os.scandir"):
            if not _is_import_system():
                self._note(arguments[0] or os.curdir, "list")
        elif event == "import":
            self._import(arguments[0])

    def _note(self, path: Any, use: str) -> None:
        if isinstance(path, int):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links are the script's business
        if (name, use) in self._seen or not (name + os.sep).startswith(self._root):
            return
        self._seen.add((name, use))
        self._journal.write("file", path=name[len(self._root) :] or os.curdir, use=use)

    def _import(self, module: str) -> None:
        if module not in self._imported:
            self._imported.add(module)
            self._journal.write("import", name=module)


def _source(path: Any) -> Any:
    """The source of a compiled module, which is what counts; any other path as it is."""
    if isinstance(path, str) and path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return source_from_cache(path)
    return path


def _is_import_system() -> bool:
    """Whether Python looks for a module or a package, or loads it: what it finds is noted elsewhere."""
    frame = sys._getframe(1).f_back  # noqa: SLF001 - the frame under the audit hook
    # Python opens the first script, and the files of a last traceback, when no frame is left.
    caller = frame.f_code.co_filename if frame else ""
    return caller.startswith("<frozen importlib") or f"{os.sep}importlib{os.sep}metadata" in caller


def _writes(mode: str | None, flags: int) -> bool:
    """Whether a file is opened to be written, by `open` (with a mode) or by `os.open` (with flags)."""
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return bool(flags & (os.O_WRONLY | os.O_RDWR))
