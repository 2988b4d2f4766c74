"""The child process: runs one script as `python path` does, with the recorders on."""

from __future__ import annotations

import atexit
import importlib
import json
import random
import sys
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from agno_lite.gallery.execution import children
from agno_lite.gallery.execution.constructions import Constructions
from agno_lite.gallery.execution.groups import Groups
from agno_lite.gallery.execution.journal import Journal
from agno_lite.gallery.execution.probes import Probes, ProjectFinder, parsed
from agno_lite.gallery.execution.watching import FileWatcher, SpanWatcher
from agno_lite.gallery.execution.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_OWN_FOLDER = str(Path(__file__).parent)
_OWN_PACKAGE = "agno_lite"


def main(specification: str) -> None:
    """Run a script and write the journal.

    Args:
        specification: JSON object with `root` and `script` (absolute paths), `packages`, `cookbook`, and
            `journal`, the path of the file to write.
    """
    given = json.loads(specification)
    script = Path(given["script"])
    journal = Journal(given["journal"])
    # Before anyone watches: that a script is read to be run says nothing, that it reads itself does.
    status, source = script.stat(), script.read_bytes()
    probes = _watch(journal, given)
    sys.argv[:] = [str(script)]
    sys.path[0] = str(script.parent)
    random.seed(0)
    atexit.register(lambda: journal.write("finish", peak_memory=_peak_memory()))
    constructions = Constructions(journal)
    journal.write("begin")
    _run(script, source, (status.st_mtime, status.st_size), constructions, probes)


def _watch(journal: Journal, given: dict[str, Any]) -> Probes:
    """Start the recorders."""
    root = Path(given["root"])
    probes = Probes(journal, root)
    probes.install()
    ProjectFinder(probes, journal, root, given["packages"]).install()
    children.forget_own_modules()
    FileWatcher(journal, str(root)).install()
    tracing = importlib.import_module(f"{_OWN_PACKAGE}.tracing")
    tracing.add_watcher(SpanWatcher(journal))
    tracing.add_watcher(probes)
    folders = [str(root / name) for name in (*given["packages"], given["cookbook"])]
    Groups(tracing.span, folders).install()
    Wire(journal, tracing.current_span).install()
    children.follow(given)
    return probes


def _run(
    script: Path, source: bytes, version: tuple[float, int], constructions: Constructions, probes: Probes
) -> None:
    """Execute the script as the main module; end the process as Python does if it raises."""
    module = ModuleType("__main__")
    vars(module).update(__file__=str(script), __builtins__=sys.modules["builtins"], __cached__=None)
    sys.modules["__main__"] = module
    try:
        tree = constructions.install(parsed(source, str(script)))
        code = probes.compile(tree, str(script), version)
        exec(code, vars(module))  # noqa: S102 - running it is what this is for
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - Python's own last resort, less the recorder's frames
        _hide_recorder(error)
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _hide_recorder(error: BaseException | None) -> None:
    """Take the recorder's frames out of the tracebacks of an exception and those behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        kept: TracebackType | None = None
        for step in reversed(list(_steps(error.__traceback__))):
            kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
        error.__traceback__ = kept
        error = error.__cause__ or error.__context__


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith((_OWN_FOLDER, "<string>")):
            yield trace
        trace = trace.tb_next


def _peak_memory() -> int:
    """Greatest resident size so far, in bytes.

    Linux tells it by process and by program: the figure of a program that started another is not in it,
    as it is in that of `getrusage`.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
