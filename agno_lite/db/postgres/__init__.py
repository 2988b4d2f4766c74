"""Storage in PostgreSQL."""

from __future__ import annotations

from agno_lite.db.postgres.postgres import PostgresDb

__all__ = ["PostgresDb"]
