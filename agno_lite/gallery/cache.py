"""What was found out about files before, in `.cache/agno_lite`. Losing it costs time and nothing else."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

_SETTLED = 2_000_000_000
"""Nanoseconds after which a file that is edited again surely has another time of its last change."""
_OWN_CODE = Path(__file__).parent


class Cache:
    """Tables of JSON values, of which those used since the cache was opened are kept.

    A table that is damaged, or of another version of this package or of Python, is empty. Several processes
    may use it at once: each replaces a table as a whole, and whatever is in it holds.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._version = _version()
        self._known: dict[str, dict[str, Any]] = {}
        self._used: dict[str, dict[str, Any]] = {}
        self._digests: dict[str, str | None] = {}
        self._now: int | None = None

    def get(self, table: str, key: str) -> Any:
        """A value; `None` if there is none."""
        if key not in self._used.setdefault(table, {}):
            found = self._table(table).get(key)
            if found is None:
                return None
            self._used[table][key] = found
        return self._used[table][key]

    def put(self, table: str, key: str, value: Any) -> None:
        """Keep a value."""
        self._used.setdefault(table, {})[key] = value

    def digest(self, path: Path) -> str | None:
        """Hash of a file's bytes, by its size and times if they are known; `None` if it is not there."""
        name = str(path)
        if name not in self._digests:
            self._digests[name] = self._digest(path)
        return self._digests[name]

    def save(self, *, whole: bool) -> None:
        """Write the tables that are not what is there; where that is not allowed, do without.

        Args:
            whole: drop what was not used since the cache was opened.
        """
        with contextlib.suppress(OSError):
            for table, used in self._used.items():
                known = self._table(table)
                new = used if whole else known | used
                if new != known:
                    self._write(table, json.dumps(new, ensure_ascii=False, separators=(",", ":")))

    def _digest(self, path: Path) -> str | None:
        try:
            status = path.stat()
            stamp = [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]
            known = self.get("digests", str(path))
            if known is not None and known[:-1] == stamp:
                return str(known[-1])
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        if max(stamp[:2]) + _SETTLED < self._file_time():
            self.put("digests", str(path), [*stamp, digest])
        return digest

    def _file_time(self) -> int:
        """Now, by the clock that also gives files their times; 0 if no file can be written."""
        if self._now is None:
            self._now = 0
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                probe = self._folder / f".{os.getpid()}.now"
                probe.touch()
                self._now = probe.stat().st_mtime_ns
                probe.unlink()
        return self._now

    def _table(self, table: str) -> dict[str, Any]:
        if table not in self._known:
            self._known[table] = self._read(table)
        return self._known[table]

    def _read(self, table: str) -> dict[str, Any]:
        try:
            head, _, text = (self._folder / f"{table}.json").read_text(encoding="utf-8").partition("\n")
        except (OSError, ValueError):
            return {}
        # The head proves that the rest was written by this version, and is whole.
        return dict(json.loads(text)) if head == self._head(text) else {}

    def _write(self, table: str, text: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        scratch = self._folder / f".{table}.{os.getpid()}"
        scratch.write_text(f"{self._head(text)}\n{text}", encoding="utf-8")
        scratch.replace(self._folder / f"{table}.json")

    def _head(self, text: str) -> str:
        return hashlib.sha256(f"{self._version}\n{text}".encode()).hexdigest()


def _version() -> str:
    """This version of Python and of the gallery's code."""
    files = sorted(path for path in _OWN_CODE.rglob("*") if path.suffix in (".py", ".po"))
    stamps = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    return repr((sys.version, stamps))
