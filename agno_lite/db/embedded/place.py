"""Where the private server keeps its files, and which user it runs as."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from agno_lite.db.home import ROOT_HOME
from agno_lite.exceptions import EmbeddedServerError

if TYPE_CHECKING:
    from pathlib import Path

WAYS_OUT = (
    "Set AGNO_LITE_DB_URL to the address of a PostgreSQL server, or use SqliteDb, which keeps everything in "
    "one file, or InMemoryDb, which keeps nothing after exit."
)
"""How to do without a private server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUser:
    """The user that the server runs as when the program runs as root."""

    name: str
    """Its login name."""
    uid: int
    """Its number."""
    gid: int
    """Its main group."""

    def identity(self) -> dict[str, Any]:
        """Arguments of `subprocess` that start a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@cache
def server_user() -> ServerUser | None:
    """Whom the server must run as; `None` if as the user of this program.

    Raises:
        EmbeddedServerError: this program's user has no entry in the system's list of users, which
            PostgreSQL insists on, or it is root and there is no other to run as.
    """
    import pwd

    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise EmbeddedServerError(
                f"PostgreSQL does not run as user {os.geteuid()}, who is not in /etc/passwd. Run as a user "
                f"who is. {WAYS_OUT}"
            ) from None
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedServerError(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as. Run as "
        f"another user. {WAYS_OUT}"
    )


@cache
def locate(home: Path, major: int) -> Path:
    """Directory of the server's files: one for each home and major version. Creates nothing.

    Raises:
        EmbeddedServerError: see `server_user`.
    """
    user = server_user()
    if user is not None and not _can_enter(user, home):
        home = ROOT_HOME / "elsewhere" / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return home / f"pg{major}"


def _can_enter(user: ServerUser, directory: Path) -> bool:
    """Whether the user can reach a directory; of one that is still to be made, the nearest that exists."""
    while not directory.exists():
        directory = directory.parent
    command = ["test", "-x", str(directory)]
    try:
        asked = subprocess.run(command, check=False, cwd="/", env=environment(), **user.identity())
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL does not run as root, and this process may not start programs as {user.name!r}: "
            f"{error}. Run as another user. {WAYS_OUT}"
        ) from error
    return asked.returncode == 0


def environment() -> dict[str, str]:
    """What the server's programs see of the environment.

    No locale that may not be installed, no secrets, none of libpq's settings.
    """
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", "LANG": "C", "TZ": "UTC", **kept}


def make_directory(path: Path, mode: int, owner: ServerUser | None = None) -> Path:
    """Make a directory and those above it; what exists is left as it is.

    Args:
        path: the directory.
        mode: its access rights, whatever the umask is. New parents get 0755.
        owner: whom it shall belong to; without one, the user of this program.
    """
    if path.is_dir():
        return path
    make_directory(path.parent, 0o755)
    try:
        path.mkdir(0o700)
    except FileExistsError:
        return path
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)
    return path
