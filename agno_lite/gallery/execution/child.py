"""A process that runs a script: how it is started, watched over, and cleared away."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from agno_lite.exceptions import CaptureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

__all__ = ["OUTPUT_LIMIT", "Outcome", "environment", "execute", "side_by_side"]

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
_AFTERLIFE = 1.0
"""Seconds that outputs are still read after the process and its group have ended."""


class _Living:
    """The children that are running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: set[int] = set()
        self._closed = False

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start one.

        Raises:
            CaptureError: all are being stopped.
        """
        with self._lock:
            if self._closed:
                raise CaptureError("interrupted before it began; capture it again")
            child = subprocess.Popen(command, **options)
            self._groups.add(child.pid)
        return child

    def forget(self, child: subprocess.Popen[bytes]) -> None:
        """Take one off that has ended."""
        with self._lock:
            self._groups.discard(child.pid)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop all, and let none begin during the block."""
        with self._lock:
            self._closed = True
            for group in self._groups:
                _kill_group(group)
        try:
            yield
        finally:
            self._closed = False


_living = _Living()


@contextlib.contextmanager
def side_by_side(jobs: int) -> Iterator[Executor]:
    """Threads, each of which waits for a child. Whoever leaves the block early leaves no child behind.

    Args:
        jobs: how many children may run at the same time.
    """
    threads = ThreadPoolExecutor(jobs, thread_name_prefix="capture")
    try:
        yield threads
    except BaseException:
        threads.shutdown(wait=False, cancel_futures=True)
        with _living.stopped():
            threads.shutdown()
        raise
    threads.shutdown()


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
class Outcome:
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


def execute(
    program: str, *arguments: str, folder: Path, environment: dict[str, str], timeout: float
) -> Outcome:
    """Run a program to its end. Nothing of its process group is left afterwards.

    Args:
        program: Python code. It finds the folder that holds this package as its first argument.
        *arguments: what it gets after that.
        folder: where it is started.
        environment: all of its environment.
        timeout: seconds after which it is stopped.
    """
    own_code = str(Path(__file__).parents[3])
    with _started([sys.executable, "-c", program, own_code, *arguments], folder, environment) as child:
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
    return Outcome(
        code=code, failure=failure, peak_memory=peak_memory, stdout=stdout, stderr=stderr, ended=ended
    )


@contextlib.contextmanager
def _started(
    command: list[str], folder: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the child in a process group of its own; whatever is left of the group dies with the block."""
    child = _living.start(
        command,
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
        _living.forget(child)
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


def environment(place: Path, database: str) -> dict[str, str]:
    """The environment of a script: nothing of the caller's but where programs are.

    Args:
        place: an empty folder; the script's home and its temporary folder are made in it.
        database: name of the database that it uses on the private server.
    """
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
