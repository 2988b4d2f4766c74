"""Connections to a file, shared by everything in the process that uses it."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING
from weakref import WeakSet

from agno_lite.db.migrate import migrate
from agno_lite.db.sqlite.migrate import File, transaction
from agno_lite.exceptions import StorageConnectionError, StorageError, StorageURLError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.tables import Tables

MEMORY = ":memory:"
"""The file that is none: the database lasts as long as its one connection."""
SIZE = 10
"""Connections at most for each process and file, and threads that serve asynchronous callers."""
PATIENCE = 30.0
"""Seconds to wait for another process that writes."""

_PAUSE = 0.005
"""Seconds between attempts where SQLite does not wait by itself."""


class Connections:
    """The connections of this process to one file, and the threads that use them for asynchronous callers.

    Any number may read at once, one writes. Nothing is opened before it is needed. What is left over
    is closed when the process ends.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self._migrated: set[Tables] = set()
        self._size = 1 if file == MEMORY else SIZE
        self.renew([None] * self._size)

    @contextmanager
    def reading(self, tables: Tables) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees the database as it is now, until it is given back.

        Args:
            tables: made, or brought up to date, when they are first asked for.

        Raises:
            StorageConnectionError: the file cannot be opened or written.
            StorageURLError: it is no database.
            MigrationError: the tables are of another version, or cannot be made.
            StorageError: SQLite refused a statement.
        """
        with self._lent(tables) as connection, transaction(connection, "begin"):
            yield connection

    @contextmanager
    def writing(self, tables: Tables) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a transaction that writes: everything is stored at its end, or nothing.

        Args:
            tables: made, or brought up to date, when they are first asked for.

        Raises:
            StorageError: as `reading`.
        """
        # Threads queue here: waiting for the file they would poll, and starve each other.
        with self._writing, self._lent(tables) as connection, transaction(connection, "begin immediate"):
            yield connection

    def close(self) -> None:
        """Close all connections that nobody uses; the next use opens new ones."""
        self._migrated.clear()
        with suppress(Empty):
            for _ in range(self._size):
                self._places.put(_closed(self._places.get_nowait()))

    def pause(self) -> list[sqlite3.Connection | None]:
        """Wait until nobody uses a connection, let nobody take one, and close them; gives their places.

        SQLite forbids to use a connection, even to close it, on both sides of a fork. Only that to a
        database in memory has no part in any file: there the child gets a copy.
        """
        places = [self._places.get() for _ in range(self._size)]
        return places if self.file == MEMORY else [_closed(connection) for connection in places]

    def resume(self, places: list[sqlite3.Connection | None]) -> None:
        """Let connections be taken again.

        Args:
            places: what `pause` gave.
        """
        for connection in places:
            self._places.put(connection)

    def renew(self, places: list[sqlite3.Connection | None]) -> None:
        """Take new locks and threads, and let connections be taken: those of a parent nobody can use.

        Args:
            places: what `pause` gave to the parent.
        """
        self.executor = ThreadPoolExecutor(SIZE, thread_name_prefix="agno_lite-sqlite")
        self._writing = threading.Lock()
        self._preparing = threading.Lock()
        self._places: LifoQueue[sqlite3.Connection | None] = LifoQueue()
        self.resume(places)

    @contextmanager
    def _lent(self, tables: Tables) -> Iterator[sqlite3.Connection]:
        connection = self._places.get()
        try:
            with self._translated():
                connection = connection or self._open()
                if tables not in self._migrated:
                    self._migrate(connection, tables)
                yield connection
        except StorageConnectionError:
            if self.file != MEMORY:
                connection = _closed(connection)
            raise
        finally:
            self._places.put(connection)

    def _migrate(self, connection: sqlite3.Connection, tables: Tables) -> None:
        """Bring the tables up to date, unless another thread has just done it."""
        with self._preparing:
            if tables not in self._migrated:
                migrate(File(connection=connection, tables=tables, name=self.file))
                self._migrated.add(tables)

    def _open(self) -> sqlite3.Connection:
        if self.file != MEMORY:
            # Closing a file gives up the locks that this process has on it, those of SQLite included:
            # nobody may connect before the new file is closed.
            with self._preparing:
                _create(Path(self.file))
        connection = sqlite3.connect(
            self.file, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        try:
            _set_up(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the errors of SQLite and of the file system into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise _refusal(self.file, error) from error
        except OSError as error:
            raise StorageConnectionError(
                f"The database {self.file} cannot be made: {error}. {_REMEDY}"
            ) from error


_REMEDY = "Let this user write to the file and to its folder, or give another db_file."


def _create(path: Path) -> None:
    """Make an empty file that only its owner can read, unless there is one, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _set_up(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work at the same time, and write to disk as seldom as is safe then."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            (mode,) = connection.execute("pragma journal_mode = wal").fetchone()
            break
        except sqlite3.OperationalError as error:
            # SQLite waits for other processes by itself, but not here.
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
    if mode == "wal":
        connection.execute("pragma synchronous = normal")


def _closed(connection: sqlite3.Connection | None) -> sqlite3.Connection | None:
    """Close a connection, and give what is put in its place."""
    if connection is not None:
        connection.close()
    return None


def _refusal(file: str, error: sqlite3.Error) -> StorageError:
    """The error for what SQLite does not carry out, with its reason."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    reason = f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    if code == sqlite3.SQLITE_NOTADB:
        return StorageURLError(
            f"The file {file} is no SQLite database, or an encrypted one. It was left as it is; give "
            "another db_file."
        )
    if code == sqlite3.SQLITE_BUSY:
        return StorageConnectionError(
            f"The database {file}: another process has been writing for {PATIENCE:.0f} seconds. Nothing was "
            "changed. End that process, or its transaction, and repeat."
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageConnectionError(f"The database {file} cannot be opened: {reason}. {_REMEDY}")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL):
        return StorageConnectionError(
            f"The database {file} cannot be written: {reason}. Nothing was changed. Check the disk."
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return StorageError(
            f"The database {file} is damaged: {reason}. Restore a copy, or save what can be read with "
            "`sqlite3 FILE .recover`."
        )
    return StorageError(f"SQLite refused the statement: {reason}.")


_shared: dict[str, Connections] = {}
_all: WeakSet[Connections] = WeakSet()
_lock = threading.Lock()
_paused: list[tuple[Connections, list[sqlite3.Connection | None]]] = []


def connections_to(file: str) -> Connections:
    """The connections of this process to a file; to a database in memory, those of a new one."""
    with _lock:
        if file in _shared:
            return _shared[file]
        made = Connections(file)
        _all.add(made)
        if file != MEMORY:
            _shared[file] = made
        return made


@atexit.register
def close_all() -> None:
    """Close all connections of this process to all files; the next call opens new ones."""
    for connections in list(_all):
        connections.close()


def _before_fork() -> None:
    _lock.acquire()
    _paused.extend((connections, connections.pause()) for connections in _all)


def _after_fork_in_parent() -> None:
    while _paused:
        connections, places = _paused.pop()
        connections.resume(places)
    _lock.release()


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - threads that are not there may wait for it
    while _paused:
        connections, places = _paused.pop()
        connections.renew(places)
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child
    )
