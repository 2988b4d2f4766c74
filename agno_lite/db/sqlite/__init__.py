"""Storage in one file, with SQLite."""

from __future__ import annotations

from agno_lite.db.sqlite.sqlite import SqliteDb

__all__ = ["SqliteDb"]
