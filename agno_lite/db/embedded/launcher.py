"""Starts the private server and shares it between processes.

Files of one server, below `<home>/pg<major version>`:

    data/         PostgreSQL's data directory; appears by renaming only
    init.<pid>/   a data directory that is being made
    socket/       the server's socket, unless its path is too long or has a comma
    users.lock    locked, shared, by every process that uses the server; see `supervisor`
    start.lock    locked while one process starts the server
    log           what server and supervisor printed since the last start
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg import errors, sql

from agno_lite.db.embedded.binaries import Binaries, runnable_by
from agno_lite.db.embedded.place import WAYS_OUT, environment, make_directory, server_user
from agno_lite.exceptions import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.embedded.place import ServerUser

SOCKET = ".s.PGSQL.5432"
"""Name of the socket: PostgreSQL makes it from the port's number, which has no other meaning here."""
LONGEST_SOCKET_PATH = 100
"""Bytes; systems allow 104 (macOS) or 108 (Linux)."""
START_LIMIT = 60.0
"""Seconds within which the server must accept connections."""
RETRY_LIMIT = 10.0
"""Seconds during which a start that fails is tried again: a server before it may still be going down."""

_INITDB = ("-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-instructions", "--no-sync")
_OPTIONS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum_naptime": "5min",
    "fsync": "on",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "jit": "off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A private server that runs, with a database in it."""

    url: str
    """Address of the database, for `psycopg.connect` or any other client of this user."""
    version: str
    """Version of PostgreSQL: `18.6`."""
    directory: Path
    """Where its files are."""


class Launcher:
    """One private server, as seen by one process. Not safe for use by several threads at once."""

    def __init__(self, base: Path, programs: Binaries) -> None:
        self._base = base
        self._data = base / "data"
        self._user = server_user()
        self._programs = programs
        self._socket_directory = _socket_directory(base)
        self._known: set[str] = set()
        self._users_lock: int | None = None

    def ensure(self, database: str) -> EmbeddedServer:
        """Start the server unless it runs, and create the database unless it exists.

        Raises:
            EmbeddedServerError: it does not start.
        """
        try:
            self._join()
            if not self._ready():
                with _locked(self._base / "start.lock"):
                    self._start()
        except OSError as error:
            raise EmbeddedServerError(
                f"The private PostgreSQL in {self._base} cannot be started: {error}. Set AGNO_LITE_HOME to a "
                f"directory that can be written. {WAYS_OUT}"
            ) from error
        if database not in self._known:
            _create_database(self._url("postgres"), database)
            self._known.add(database)
        return EmbeddedServer(url=self._url(database), version=self._programs.version, directory=self._base)

    def leave(self) -> None:
        """Need the server no more; it stops if nobody else does. The end of the process does the same."""
        if self._users_lock is not None:
            os.close(self._users_lock)
            self._users_lock = None

    def _join(self) -> None:
        """Become a user of the server; waits while one that nobody used goes down."""
        if self._users_lock is None:
            make_directory(self._base, 0o711 if self._user else 0o700)
            descriptor = _open_private(self._base / "users.lock")
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._users_lock = descriptor

    def _ready(self) -> bool:
        """Whether the server accepts connections. Asks it, since a process number tells nothing."""
        try:
            state = (self._data / "postmaster.pid").read_text().splitlines()[7:8]
        except OSError:
            return False
        if not state or state[0].strip() != "ready":
            return False
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self._socket_directory / SOCKET)) == 0

    def _start(self) -> None:
        if self._ready():
            return
        if self._user:
            self._programs = runnable_by(self._user, self._programs)
        if not self._data.exists():
            self._initialise()
        _make_private(self._socket_directory, self._user)
        begin = time.monotonic()
        while not self._launched(begin + START_LIMIT):
            # PostgreSQL removes this file when it ends: it is there if another server still runs, or was
            # killed and has children that do.
            blocked = (self._data / "postmaster.pid").exists()
            if not blocked or time.monotonic() - begin > RETRY_LIMIT:
                raise EmbeddedServerError(
                    f"The private PostgreSQL in {self._base} does not start. The end of its log:\n"
                    f"{_tail(self._base / 'log')}\n{WAYS_OUT}"
                )
            time.sleep(0.1)

    def _initialise(self) -> None:
        """Make a data directory under another name, so that a half-made one is never used."""
        for abandoned in self._base.glob("init.*"):
            shutil.rmtree(abandoned)
        scratch = make_directory(self._base / f"init.{os.getpid()}", 0o700, self._user)
        locale = ["--locale=C"]
        if self._programs.major >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        made = subprocess.run(
            [self._programs.directory / "initdb", "-D", scratch, *_INITDB, *locale],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(),
            **(self._user.identity() if self._user else {}),
        )
        if made.returncode != 0:
            raise EmbeddedServerError(
                f"initdb could not make {scratch}: {made.stderr.strip() or made.stdout.strip()}\n{WAYS_OUT}"
            )
        scratch.rename(self._data)

    def _launched(self, deadline: float) -> bool:
        """Start a supervisor, and say whether its server came up; not if the supervisor ended before."""
        programs = self._programs.directory
        server = [str(programs / "postgres"), "-D", str(self._data), "-k", str(self._socket_directory)]
        settings = [argument for name, value in _OPTIONS.items() for argument in ("-c", f"{name}={value}")]
        identity = [str(self._user.uid), str(self._user.gid)] if self._user else ["-", "-"]
        script = Path(__file__).with_name("supervisor.py")
        with os.fdopen(_open_private(self._base / "log", os.O_TRUNC), "wb") as log:
            supervisor = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    script,
                    self._base / "users.lock",
                    *identity,
                    *server,
                    *settings,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment(),
                start_new_session=True,  # Ctrl-C in the terminal is not for it.
            )
        while not self._ready():
            if supervisor.poll() is not None:
                return False
            if time.monotonic() > deadline:
                supervisor.kill()
                supervisor.wait()
                return False
            time.sleep(0.005)
        # It outlives this process if there are other users: nobody shall wait for it, or complain.
        supervisor.returncode = 0
        return True

    def _url(self, database: str) -> str:
        directory = quote(str(self._socket_directory), safe="")
        return f"postgresql://postgres@/{quote(database, safe='')}?host={directory}&port=5432"


def _socket_directory(base: Path) -> Path:
    """Where the socket is: with the other files, or in a short directory if its path cannot be used."""
    directory = base / "socket"
    # For server and clients a comma separates directories.
    if len(os.fsencode(directory / SOCKET)) <= LONGEST_SOCKET_PATH and "," not in str(directory):
        return directory
    # The same for every process, whatever its TMPDIR.
    return Path("/tmp") / f"agno_lite-{hashlib.sha256(os.fsencode(base)).hexdigest()[:16]}"  # noqa: S108


def _make_private(directory: Path, user: ServerUser | None) -> None:
    """Make a directory that only the server's user can enter.

    Raises:
        EmbeddedServerError: it exists and others can enter it, or it belongs to somebody else.
    """
    make_directory(directory, 0o700, user)
    found = directory.lstat()
    owner = user.uid if user else os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedServerError(
            f"The directory {directory} for the server's socket is not private: expected one that belongs to "
            f"user {owner} with mode 0700. Remove it. {WAYS_OUT}"
        )


def _open_private(path: Path, flags: int = 0) -> int:
    """Open a file that only this user can read; programs that this process starts do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o600)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file."""
    descriptor = _open_private(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _create_database(url: str, name: str) -> None:
    """Create a database unless it exists, also if another process does the same.

    Args:
        url: address of another database of the server.
        name: its name.

    Raises:
        EmbeddedServerError: the server refuses.
    """
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        return
    except psycopg.Error as error:
        raise EmbeddedServerError(
            f"The private PostgreSQL cannot create the database {name!r}: {str(error).strip()}. Check "
            f"AGNO_LITE_EMBEDDED_DATABASE. {WAYS_OUT}"
        ) from error
