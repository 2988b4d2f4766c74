"""Runs one example in a process of its own, and makes a recording of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from agno_lite.exceptions import CaptureError
from agno_lite.gallery.execution import dependencies, journal, storage
from agno_lite.gallery.execution.canonical import canonicalise
from agno_lite.gallery.execution.environment import SECRET_NAME, declared
from agno_lite.gallery.execution.raw import RawRun, parse
from agno_lite.gallery.execution.volatile import Volatile
from agno_lite.gallery.records import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agno_lite.gallery.config import Project
    from agno_lite.gallery.records import Example

__all__ = ["OUTPUT_LIMIT", "Recording", "run"]

OUTPUT_LIMIT = 1_000_000
"""Bytes of each output that are kept."""

_ALLOWED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")
"""What a script sees of the caller's environment. Everything else stays out, keys above all."""
_FIXED = {
    "AGNO_LITE_OFFLINE": "1",
    "COLORTERM": "truecolor",
    "COLUMNS": "100",
    "FORCE_COLOR": "1",
    "LC_ALL": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "PYTHON_COLORS": "0",
    "PYTHONUNBUFFERED": "1",
    "TERM": "xterm-256color",
    "TTY_COMPATIBLE": "1",
    "TTY_INTERACTIVE": "0",
    "TZ": "UTC",
}
_SHORTEST_SECRET = 8
"""Characters; a shorter value may be a word that stands elsewhere with another meaning."""
_DATABASE_MODULE = "agno_lite.db.embedded.launcher"
"""Who imports this has started the private database, or joined it."""
_AFTERLIFE = 1.0
"""Seconds that outputs are still read after the process and its group have ended."""
_PROGRAM = """\
import sys
sys.path[0] = sys.argv[1]
from agno_lite.gallery.execution.worker import main
main(sys.argv[2])
"""


def run(
    project: Project,
    example: Example,
    *,
    timeout: float = 120.0,
    environment: Mapping[str, str] | None = None,
) -> Recording:
    """Run a script and record it. Whatever the script does, this returns, and leaves no process behind.

    The script runs as `python path` from the project's root would, with its home and temporary folder
    empty, an empty database, and nothing of the caller's environment but where programs are.

    Args:
        project: the project.
        example: which script.
        timeout: seconds after which it is stopped.
        environment: variables that it gets in addition.

    Raises:
        CaptureError: the recorder could not be started; no fault of the script's has this effect.
        EmbeddedServerError: the script used the private database, which then could not be read.
    """
    database = f"capture_{secrets.token_hex(8)}"
    storage.hold()
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="agno-lite-") as folder:
        place = Path(folder)
        variables = _environment(place, database) | dict(environment or {})
        outcome = _execute(project, example, place, variables, timeout)
        found = _parsed(example, outcome, journal.read(place / "journal"))
    stored = storage.read(database) if _DATABASE_MODULE in found.imports else None
    return canonicalise(
        found,
        example=example.path,
        dependencies=dependencies.compute(project, example.path, found),
        storage=stored,
        volatile=Volatile(_literals(project, place, database), began),
    )


# --- the child process -------------------------------------------------------------------------


@dataclass(slots=True)
class _Output:
    """Reads one output of the child on a thread of its own: to the end, however much is kept."""

    stream: IO[bytes]
    kept: bytearray = field(default_factory=bytearray)
    cut: bool = False
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        while chunk := os.read(self.stream.fileno(), 65_536):
            room = OUTPUT_LIMIT - len(self.kept)
            self.kept += chunk[:room]
            self.cut = self.cut or len(chunk) > room

    def text(self) -> str:
        """What was printed; if it was too much, whole lines of its beginning and a note."""
        text = bytes(self.kept).decode(errors="replace").replace("\r\n", "\n")
        if not self.cut:
            return text
        return (
            f"{text.rpartition(chr(10))[0]}\n[output cut: only the first {OUTPUT_LIMIT:,} bytes are kept]\n"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How the child ended."""

    code: int
    """Its exit status, or the negative number of the signal that killed it."""
    failure: str | None
    """Why it was stopped."""
    peak_memory: int
    """Greatest resident size in bytes; on Linux never below that of the process that started it."""
    stdout: str
    stderr: str
    ended: int
    """`time.perf_counter_ns()` after it ended."""


def _execute(
    project: Project, example: Example, place: Path, environment: dict[str, str], timeout: float
) -> _Outcome:
    """Run the child to its end."""
    specification = {
        "root": str(project.root),
        "script": str(project.root / example.path),
        "packages": project.packages,
        "cookbook": project.cookbook,
        "journal": str(place / "journal"),
    }
    known = {name: value for name, value in declared(project, example.path).items() if value is not None}
    with _started(json.dumps(specification), project.root, known | environment) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        outputs = _Output(child.stdout), _Output(child.stderr)
        code, peak_memory, stopped = _awaited(child, timeout)
        ended = time.perf_counter_ns()
        _kill_group(child.pid)
        for output in outputs:
            output.thread.join(_AFTERLIFE)
    failure = f"timed out after {timeout:g} s" if stopped else None
    if code < 0 and failure is None:
        failure = f"killed by {signal.Signals(-code).name}"
    stdout, stderr = (output.text() for output in outputs)
    return _Outcome(
        code=code, failure=failure, peak_memory=peak_memory, stdout=stdout, stderr=stderr, ended=ended
    )


@contextlib.contextmanager
def _started(
    specification: str, folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in a process group of its own; whatever is left of the group dies with the block."""
    own_code = str(Path(__file__).parents[3])
    child = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, own_code, specification],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        _kill_group(child.pid)
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()


def _kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _awaited(child: subprocess.Popen[bytes], timeout: float) -> tuple[int, int, bool]:
    """Wait for the child; gives its code, its peak memory in bytes, and whether it had to be stopped."""
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        _kill_group(child.pid)

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    try:
        _, status, usage = os.wait4(child.pid, 0)
    finally:
        timer.cancel()
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return child.returncode, usage.ru_maxrss * unit, stopped.is_set() and child.returncode < 0


def _environment(place: Path, database: str) -> dict[str, str]:
    """The child's environment, without what the caller adds."""
    from agno_lite.db import embedded

    home, scratch = place / "home", place / "tmp"
    home.mkdir()
    scratch.mkdir()
    return {
        **{name: os.environ[name] for name in _ALLOWED if name in os.environ},
        **_FIXED,
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "AGNO_LITE_HOME": str(embedded.default_home()),
        embedded.DATABASE_VARIABLE: database,
    }


# --- what came of it ---------------------------------------------------------------------------


def _parsed(example: Example, outcome: _Outcome, events: list[dict[str, Any]]) -> RawRun:
    if not any(event["event"] == "begin" for event in events):
        raise CaptureError(
            f"{example.path}: its process ended before the script began "
            f"({outcome.failure or f'status {outcome.code}'}); expected {sys.executable} to be able to start "
            f"the recorder, in an environment with agno-lite in it. It said:\n{outcome.stderr.strip()}"
        )
    return parse(
        events,
        ended=outcome.ended,
        stdout=outcome.stdout,
        stderr=outcome.stderr,
        exit_status=None if outcome.failure else outcome.code,
        failure=outcome.failure,
        peak_memory=outcome.peak_memory,
    )


def _literals(project: Project, place: Path, database: str) -> dict[str, str]:
    """Texts that are known to vary, and what stands for each."""
    from agno_lite.db import embedded

    paths = sysconfig.get_paths()
    server = storage.hold()
    return {
        **dict.fromkeys(_secret_values(), "<secret>"),
        str(embedded.default_home()): "<agno_lite home>",
        **({str(server.parent): "<agno_lite home>"} if server else {}),
        paths["stdlib"]: "<stdlib>",
        paths["purelib"]: "<site-packages>",
        str(place / "home"): "<home>",
        str(place / "tmp"): "<tmp>",
        database: "<database>",
        f"{project.root}/": "",
        str(project.root): ".",
    }


def _secret_values() -> Iterator[str]:
    """Values of the caller that look like secrets: kept from the child, and from the record all the same."""
    for name, value in os.environ.items():
        if SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            yield value
