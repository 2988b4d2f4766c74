"""Where a PostgreSQL server is: an address that was given, or the private server of this package."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from agno_lite.exceptions import StorageURLError

if TYPE_CHECKING:
    from pathlib import Path

URL_VARIABLE = "AGNO_LITE_DB_URL"
"""Environment variable with the address of the server to use where the code gives none."""
CONNECT_TIMEOUT = 3
"""Seconds that an attempt to connect may take, unless the URL has a `connect_timeout` of its own."""

_EXAMPLE = "postgresql://user:password@localhost:5432/database"
_POSTGRESQL = re.compile(r"^postgres(ql)?(\+[a-z0-9_]+)?://", re.IGNORECASE)
_SCHEME = re.compile(r"^([a-z][a-z0-9+._-]*)://", re.IGNORECASE)


class Address(Protocol):
    """What a connection needs to know of a server."""

    @property
    def key(self) -> str:
        """Tells addresses apart: objects with equal keys share their connections."""

    def conninfo(self) -> str:
        """What to hand to `psycopg.connect`; may start a server, and then blocks until it is up."""

    def describe(self) -> str:
        """One clause for people, without secrets."""

    def remedy(self) -> str:
        """What to do when nobody answers: whole sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAddress:
    """A server that the user named. It is used as it is and never replaced by another."""

    url: str
    """A `postgresql://` URL that libpq can read."""
    host: str
    """Its host, or the directory of its socket."""
    port: str
    """Its port."""
    database: str
    """The database; empty if it has the user's name."""
    from_environment: bool
    """Whether it comes from `AGNO_LITE_DB_URL`."""

    @property
    def key(self) -> str:
        """The URL."""
        return self.url

    def conninfo(self) -> str:
        """The URL's settings, with a limit to the time that connecting may take."""
        given = conninfo_to_dict(self.url)
        return make_conninfo(self.url, connect_timeout=given.get("connect_timeout", CONNECT_TIMEOUT))

    def describe(self) -> str:
        """`PostgreSQL at localhost:5432/app`, and where the address comes from."""
        origin = f" (from {URL_VARIABLE})" if self.from_environment else ""
        return f"PostgreSQL at {self.host}:{self.port}/{self.database}{origin}"

    def remedy(self) -> str:
        """Start that server, correct the address, or do without it."""
        source = f"the variable {URL_VARIABLE}" if self.from_environment else "db_url"
        return (
            f"Start it (check with `pg_isready -h {self.host} -p {self.port}`), or correct {source}, or "
            f"leave {source} out: then a private PostgreSQL is started by itself."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedAddress:
    """The private server, started by whoever connects first."""

    home: Path
    """Directory that holds its data, see `agno_lite.db.embedded`."""
    database: str
    """Name of the database inside it."""

    @property
    def key(self) -> str:
        """Home and database."""
        return f"embedded:{self.home}:{self.database}"

    def conninfo(self) -> str:
        """The server's URL; starts it if it is not running.

        Raises:
            EmbeddedServerError: it cannot be started.
        """
        from agno_lite.db import embedded

        return embedded.start(home=self.home, database=self.database).url

    def describe(self) -> str:
        """`PostgreSQL 18.6, embedded, in <directory>`, and how to use another. Starts nothing.

        Raises:
            EmbeddedServerError: there is no PostgreSQL to start.
        """
        from agno_lite.db import embedded

        return embedded.describe(home=self.home)

    def remedy(self) -> str:
        """Run another server."""
        return f"Set {URL_VARIABLE} to use another server."


def resolve(db_url: str | None) -> Address:
    """Find the server: the URL, else the environment's, else the private one.

    Raises:
        StorageURLError: the URL does not name a PostgreSQL database.
    """
    if db_url is not None:
        return _given(db_url, from_environment=False)
    if url := os.environ.get(URL_VARIABLE):
        return _given(url, from_environment=True)
    from agno_lite.db import embedded

    return EmbeddedAddress(home=embedded.default_home(), database=embedded.default_database())


def _given(url: str, *, from_environment: bool) -> GivenAddress:
    """Check a URL, without ever repeating it: it may hold a password."""
    source = URL_VARIABLE if from_environment else "db_url"
    scheme = _SCHEME.match(url)
    if scheme is None or not _POSTGRESQL.match(url):
        found = f"the scheme {scheme[1]!r}" if scheme else f"{len(url)} characters without a scheme"
        raise StorageURLError(
            f"{source}: expected an address like {_EXAMPLE}, got {found}. Correct {source}."
        )
    plain = _POSTGRESQL.sub("postgresql://", url)
    try:
        parts = conninfo_to_dict(plain)
    except ProgrammingError:
        raise StorageURLError(
            f"{source}: libpq cannot read what follows {scheme[0]}. Expected an address like {_EXAMPLE}, "
            f"with special characters in user and password percent-encoded. Correct {source}."
        ) from None
    return GivenAddress(
        url=plain,
        host=str(parts.get("host") or parts.get("hostaddr") or os.environ.get("PGHOST", "localhost")),
        port=str(parts.get("port") or os.environ.get("PGPORT", "5432")),
        database=str(parts.get("dbname") or os.environ.get("PGDATABASE", "")),
        from_environment=from_environment,
    )
