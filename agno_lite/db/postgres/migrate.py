"""Brings the tables of a database to this version."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from agno_lite.db.postgres.statements import compose
from agno_lite.exceptions import MigrationError

if TYPE_CHECKING:
    from agno_lite.db.postgres.statements import Tables

    Connection = psycopg.Connection[tuple[Any, ...]]

_DIRECTORY = Path(__file__).parents[1] / "migrations" / "postgres"

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
class Migration:
    """One numbered file of statements."""

    number: int
    """Its place in the order, from 1."""
    name: str
    """Its file name."""
    text: LiteralString
    """Its statements, with names of schema and tables in braces."""
    sha: str
    """SHA-256 of the text, in hexadecimal."""


@cache
def migrations() -> tuple[Migration, ...]:
    """The package's migrations in order."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(_DIRECTORY.glob("*.sql"))}
    return tuple(
        Migration(
            number=int(name.partition("_")[0]),
            name=name,
            text=text,
            sha=hashlib.sha256(text.encode()).hexdigest(),
        )
        for name, text in texts.items()
    )


def migrate(connection: Connection, tables: Tables) -> None:
    """Create the tables, or bring them up to date; one process at a time, in one transaction.

    Args:
        connection: in autocommit mode.
        tables: which schema and names to use. Each set of names has a history of its own.

    Raises:
        MigrationError: the database was made by another version, or refuses.
    """
    if not _missing(connection, tables):
        return
    try:
        with connection.transaction():
            # This process remembers that the tables are there: then they must survive any crash.
            connection.execute("set local synchronous_commit = on")
            connection.execute("select pg_advisory_xact_lock(hashtextextended('agno_lite:migrate', 0))")
            _create_schema(connection, tables)
            for migration in _missing(connection, tables):
                _apply(connection, tables, migration)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise MigrationError(
            f"The tables in schema {tables.schema!r} cannot be made: {str(error).strip()}. Grant the rights "
            "to create a schema, tables and functions, or give db_schema and table names that are free."
        ) from error


def _missing(connection: Connection, tables: Tables) -> tuple[Migration, ...]:
    """The migrations that this set of tables has not seen.

    Raises:
        MigrationError: what was applied is not what this package would apply.
    """
    known = {migration.number: migration for migration in migrations()}
    applied = _applied(connection, tables)
    for number, (name, sha) in applied.items():
        if number not in known:
            raise MigrationError(
                f"Schema {tables.schema!r} is at migration {name}, which this agno_lite does not have. "
                "Update agno_lite, or use another db_schema."
            )
        if sha != known[number].sha:
            raise MigrationError(
                f"Schema {tables.schema!r} was made by a {name} that differs from this package's (recorded "
                f"{sha[:12]}, here {known[number].sha[:12]}). Restore the file, or use another db_schema."
            )
    return tuple(migration for number, migration in known.items() if number not in applied)


def _applied(connection: Connection, tables: Tables) -> dict[int, tuple[str, str]]:
    """Number, name and hash of what was applied; empty if there is no such schema or table yet."""
    query = compose(tables, "select n, name, sha from {schema}.schema_version where tables = %s order by n")
    regclass = compose(tables, "{schema}.schema_version").decode()
    if connection.execute("select to_regclass(%s)", [regclass]).fetchone() == (None,):
        return {}
    rows = connection.execute(query, [tables.names]).fetchall()
    return {number: (name, sha) for number, name, sha in rows}


def _create_schema(connection: Connection, tables: Tables) -> None:
    """Create schema and version table; asks first, since `if not exists` wants the right to create anyway."""
    schema = compose(tables, "{schema}").decode()
    if connection.execute("select to_regnamespace(%s)", [schema]).fetchone() == (None,):
        connection.execute(compose(tables, "create schema {schema}"))
    connection.execute(compose(tables, _CREATE))


def _apply(connection: Connection, tables: Tables, migration: Migration) -> None:
    # The text comes from a file of this package.
    connection.execute(compose(tables, migration.text))
    connection.execute(
        compose(tables, "insert into {schema}.schema_version (tables, n, name, sha) values (%s, %s, %s, %s)"),
        [tables.names, migration.number, migration.name, migration.sha],
    )
