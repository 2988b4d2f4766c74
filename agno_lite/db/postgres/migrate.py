"""Brings the tables in a PostgreSQL schema to this version."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from agno_lite.db.migrate import Applied
from agno_lite.db.postgres.statements import compose
from agno_lite.exceptions import MigrationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.migrate import Migration
    from agno_lite.db.tables import Tables

    Connection = psycopg.Connection[tuple[Any, ...]]

_CREATE = """
create table if not exists {schema}.schema_version (
  tables text not null,
  n int not null,
  name text not null,
  sha text not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (tables, n)
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A schema as `agno_lite.db.migrate` sees it."""

    connection: Connection
    """In autocommit mode."""
    tables: Tables
    """Which schema and names to use."""
    dialect = "postgres"
    elsewhere = "another db_schema"

    @property
    def place(self) -> str:
        """The schema, by its name."""
        return f"Schema {self.tables.schema!r}"

    def history(self) -> list[Applied]:
        """What was applied; empty if there is no such schema or table yet."""
        regclass = compose(self.tables, "{schema}.schema_version").decode()
        if self.connection.execute("select to_regclass(%s)", [regclass]).fetchone() == (None,):
            return []
        query = compose(self.tables, "select tables, n, name, sha from {schema}.schema_version order by n")
        rows = self.connection.execute(query).fetchall()
        return [Applied(tables=tables, number=n, name=name, sha=sha) for tables, n, name, sha in rows]

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """A transaction under a lock that all processes respect.

        Raises:
            MigrationError: the server refuses a statement in it.
        """
        try:
            with self.connection.transaction():
                # This process remembers that the tables are there: then they must survive any crash.
                self.connection.execute("set local synchronous_commit = on")
                self.connection.execute(
                    "select pg_advisory_xact_lock(hashtextextended('agno_lite:migrate', 0))"
                )
                self._create()
                yield
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise MigrationError(
                f"The tables in schema {self.tables.schema!r} cannot be made: {str(error).strip()}. Grant "
                "the rights to create a schema, tables and functions, or give db_schema and table names "
                "that are free."
            ) from error

    def _create(self) -> None:
        """Create schema and version table; asks first: `if not exists` wants the right to create anyway."""
        schema = compose(self.tables, "{schema}").decode()
        if self.connection.execute("select to_regnamespace(%s)", [schema]).fetchone() == (None,):
            self.connection.execute(compose(self.tables, "create schema {schema}"))
        self.connection.execute(compose(self.tables, _CREATE))

    def apply(self, migration: Migration) -> None:
        """Carry out a migration and record it."""
        # The text comes from a file of this package.
        self.connection.execute(compose(self.tables, migration.text))
        self.connection.execute(
            compose(
                self.tables,
                "insert into {schema}.schema_version (tables, n, name, sha) values (%s, %s, %s, %s)",
            ),
            [migration.subject(self.tables), migration.number, migration.name, migration.sha],
        )
