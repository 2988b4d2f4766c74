"""Brings the tables in a SQLite file to this version."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agno_lite.db.migrate import Applied
from agno_lite.db.sqlite.statements import compose
from agno_lite.exceptions import MigrationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.migrate import Migration
    from agno_lite.db.tables import Tables

_CREATE = """
create table if not exists schema_version (
  tables text not null,
  n int not null,
  name text not null,
  sha text not null,
  applied_at text not null default current_timestamp,
  primary key (tables, n)
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as `agno_lite.db.migrate` sees it."""

    connection: sqlite3.Connection
    """In autocommit mode."""
    tables: Tables
    """Which names to use."""
    name: str
    """Its path."""
    dialect = "sqlite"
    elsewhere = "another db_file"

    @property
    def place(self) -> str:
        """The file, by its path."""
        return f"The database {self.name}"

    def history(self) -> list[Applied]:
        """What was applied; empty if there is no such table yet."""
        found = self.connection.execute("select 1 from sqlite_master where name = 'schema_version'")
        if found.fetchone() is None:
            return []
        rows = self.connection.execute("select tables, n, name, sha from schema_version order by n")
        return [Applied(tables=tables, number=n, name=name, sha=sha) for tables, n, name, sha in rows]

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """A transaction that writes: SQLite has one at a time for each file.

        Raises:
            MigrationError: SQLite refuses a statement in it.
        """
        try:
            with transaction(self.connection, "begin immediate"):
                self.connection.execute(_CREATE)
                yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            raise MigrationError(
                f"The tables in {self.name} cannot be made: {error}. Give another db_file, or table names "
                "that are free."
            ) from error

    def apply(self, migration: Migration) -> None:
        """Carry out a migration and record it."""
        for statement in _statements(migration.text):
            self.connection.execute(compose(self.tables, statement))
        self.connection.execute(
            "insert into schema_version (tables, n, name, sha) values (?, ?, ?, ?)",
            [migration.subject(self.tables), migration.number, migration.name, migration.sha],
        )


@contextmanager
def transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """Do everything inside or nothing.

    Args:
        connection: in autocommit mode.
        begin: the statement that opens the transaction.
    """
    connection.execute(begin)
    try:
        yield
        connection.execute("commit")
    finally:
        # After a failure, that of the commit included. Some failures have ended the transaction already.
        if connection.in_transaction:
            connection.execute("rollback")


def _statements(text: str) -> Iterator[str]:
    """The statements of a file one by one: `executescript` would commit what came before."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
