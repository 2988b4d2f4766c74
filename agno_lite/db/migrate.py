"""Brings the tables of a database to this version: what is the same for every kind of database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, LiteralString, Protocol

from agno_lite.db.tables import KINDS
from agno_lite.exceptions import MigrationError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from agno_lite.db.tables import Tables

_DIRECTORY = Path(__file__).with_name("migrations")


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

    def subject(self, tables: Tables) -> str:
        """Names of the tables that it speaks of, separated by commas: it is applied once to them."""
        fields = {field for _, field, _, _ in Formatter().parse(self.text)}
        return ",".join(getattr(tables, kind) for kind in KINDS if kind in fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A row of the table `schema_version`: a migration that was applied."""

    tables: str
    """Its subject."""
    number: int
    """Its number."""
    name: str
    """Its file name."""
    sha: str
    """Hash of the file that was applied."""


class Database(Protocol):
    """A database as the runner sees it."""

    @property
    def dialect(self) -> str:
        """Directory of its migrations: `postgres` or `sqlite`."""

    @property
    def tables(self) -> Tables:
        """Which schema and names to use."""

    @property
    def place(self) -> str:
        """What holds the tables, as errors begin with it."""

    @property
    def elsewhere(self) -> str:
        """What to give in order to use another place."""

    def history(self) -> list[Applied]:
        """What was applied, also to other tables; empty if nothing was."""

    def exclusively(self) -> AbstractContextManager[None]:
        """A transaction for one process at a time, in which the table `schema_version` exists."""

    def apply(self, migration: Migration) -> None:
        """Carry out a migration and record it."""


@cache
def migrations(dialect: str) -> tuple[Migration, ...]:
    """The package's migrations of a dialect, in order."""
    paths = sorted((_DIRECTORY / dialect).glob("*.sql"))
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    return tuple(
        Migration(
            number=int(name.partition("_")[0]),
            name=name,
            text=text,
            sha=hashlib.sha256(text.encode()).hexdigest(),
        )
        for name, text in texts.items()
    )


def migrate(database: Database) -> None:
    """Create the tables, or bring them up to date; one process at a time, in one transaction.

    Raises:
        MigrationError: the database was made by another version, or refuses.
    """
    if not _missing(database):
        return
    with database.exclusively():
        for migration in _missing(database):
            database.apply(migration)


def _missing(database: Database) -> list[Migration]:
    """The migrations that the tables have not seen.

    Raises:
        MigrationError: what was applied is not what this package would apply.
    """
    known = {migration.number: migration for migration in migrations(database.dialect)}
    names = {getattr(database.tables, kind) for kind in KINDS}
    seen = set()
    for row in database.history():
        if names.isdisjoint(row.tables.split(",")):
            continue
        if row.number not in known:
            raise MigrationError(
                f"{database.place} is at migration {row.name}, which this agno_lite does not have. "
                f"Update agno_lite, or use {database.elsewhere}."
            )
        migration = known[row.number]
        if row.tables == migration.subject(database.tables):
            _check(database, row, migration)
            seen.add(row.number)
    return [migration for number, migration in known.items() if number not in seen]


def _check(database: Database, row: Applied, migration: Migration) -> None:
    if row.sha != migration.sha:
        raise MigrationError(
            f"{database.place} was made by a {row.name} that differs from this package's (recorded "
            f"{row.sha[:12]}, here {migration.sha[:12]}). Restore the file, or use {database.elsewhere}."
        )
