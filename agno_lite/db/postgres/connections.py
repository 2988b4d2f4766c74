"""Connections to a server, shared by everything in the process that uses the same address."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from agno_lite.db.migrate import migrate
from agno_lite.db.postgres.migrate import Schema
from agno_lite.exceptions import StorageConnectionError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.postgres.address import Address
    from agno_lite.db.tables import Tables

    Connection = psycopg.Connection[tuple[Any, ...]]

SIZE = 10
"""Connections at most for each process and address, and threads that serve asynchronous callers."""
OWNERSHIP_ERRORS = (psycopg.errors.NotNullViolation, psycopg.errors.NoDataFound)
"""How our statements say that a row is somebody else's. Left to the caller, who knows which row."""
PATIENCE = 5.0
"""Seconds to wait for a free connection before the server is asked whether it is there at all."""

# What the pool has to say about failed attempts is in our errors; without a handler it would be
# printed to stderr. Whoever configures logging still gets it.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())


class Connections:
    """A pool of connections to one server, and the threads that use it for asynchronous callers.

    Nothing is opened before it is needed. What is left over is closed when the process ends.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._pool: ConnectionPool[Connection] | None = None
        self._migrated: set[Tables] = set()
        self.executor = ThreadPoolExecutor(SIZE, thread_name_prefix="agno_lite-db")

    @contextmanager
    def connection(self, tables: Tables) -> Iterator[Connection]:
        """Lend a connection in autocommit mode, to a database that has the tables.

        Args:
            tables: made, or brought up to date, when they are first asked for.

        Raises:
            StorageConnectionError: the server cannot be reached, or the connection broke in use.
            MigrationError: the tables are of another version, or cannot be made.
            StorageError: the server refused a statement, unless with one of `OWNERSHIP_ERRORS`.
        """
        with self._translated(), self._live() as connection:
            if tables not in self._migrated:
                self._migrate(connection, tables)
            yield connection

    def _migrate(self, connection: Connection, tables: Tables) -> None:
        """Bring the tables up to date, unless another thread has just done it."""
        with self._lock:
            if tables not in self._migrated:
                migrate(Schema(connection=connection, tables=tables))
                self._migrated.add(tables)

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._lock:
            pool, self._pool = self._pool, None
            self._migrated.clear()
        if pool is not None:
            pool.close()

    @contextmanager
    def _live(self) -> Iterator[Connection]:
        """Lend a connection that the server has not closed, as far as this side can know."""
        pool, connection = self._take()
        while not _alive(connection):
            connection.close()
            pool.putconn(connection)
            self._probe()
            pool, connection = self._take()
        try:
            yield connection
        finally:
            pool.putconn(connection)

    def _take(self) -> tuple[ConnectionPool[Connection], Connection]:
        pool = self._open()
        try:
            return pool, pool.getconn()
        except PoolTimeout:
            # Either all are busy or the server is gone: a connection of our own tells, and says why.
            self._probe()
        try:
            return pool, pool.getconn()
        except PoolTimeout as error:
            raise StorageConnectionError(
                f"{self._address.describe()}: all {SIZE} connections of this process were busy for "
                f"{2 * PATIENCE:.0f} seconds. Run fewer at once, or look for statements that wait for locks."
            ) from error

    def _open(self) -> ConnectionPool[Connection]:
        with self._lock:
            if self._pool is None:
                # The pool would try again until it times out, and not say what is wrong.
                self._probe()
                self._pool = ConnectionPool(
                    self._address.conninfo,
                    min_size=0,
                    max_size=SIZE,
                    timeout=PATIENCE,
                    reconnect_timeout=1.0,
                    kwargs={"autocommit": True},
                    open=True,
                )
            return self._pool

    def _probe(self) -> None:
        """Connect once, outside the pool.

        Raises:
            StorageConnectionError: with the server's or the system's reason.
        """
        try:
            psycopg.connect(self._address.conninfo()).close()
        except psycopg.OperationalError as error:
            raise StorageConnectionError(
                f"{self._address.describe()} cannot be reached. {self._address.remedy()}\n"
                f"The reason: {str(error).strip()}"
            ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except psycopg.OperationalError as error:
            if error.sqlstate is not None and not error.sqlstate.startswith(("08", "57P")):
                raise refusal(error) from error
            raise StorageConnectionError(
                f"{self._address.describe()}: the connection broke while it was used ({str(error).strip()}). "
                "Whether the last statement was carried out is not known. Repeat it when the server is back."
            ) from error
        except OWNERSHIP_ERRORS:
            raise
        except psycopg.Error as error:
            raise refusal(error) from error


def refusal(error: psycopg.Error) -> StorageError:
    """The error for a statement that the server does not carry out, with its reason."""
    reason = error.diag.message_primary or str(error).strip()
    return StorageError(f"PostgreSQL refused the statement: {reason} (SQLSTATE {error.sqlstate}).")


def _alive(connection: Connection) -> bool:
    """Whether an idle connection still stands. Looks at what has arrived, without asking the server."""
    try:
        # A server that goes sends a last message and closes: the first look reads it, the second the end.
        connection.pgconn.consume_input()
        connection.pgconn.consume_input()
    except psycopg.OperationalError:
        return False
    return not connection.closed


_shared: dict[tuple[int, str], Connections] = {}
_shared_lock = threading.Lock()


def connections_to(address: Address) -> Connections:
    """The connections of this process to a server. A forked child gets its own."""
    key = (os.getpid(), address.key)
    with _shared_lock:
        if key not in _shared:
            _shared[key] = Connections(address)
        return _shared[key]


def _renew_lock() -> None:
    """In a forked child, where the lock may have been held by a thread that is not there."""
    global _shared_lock  # noqa: PLW0603 - the lock itself must be another one
    _shared_lock = threading.Lock()


@atexit.register
def close_all() -> None:
    """Close all connections of this process to all servers; the next call opens new ones."""
    for (pid, _), connections in list(_shared.items()):
        if pid == os.getpid():
            connections.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
