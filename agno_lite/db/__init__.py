"""Storage: sessions, runs and memories, each with its owner, and results of evaluations.

The databases themselves are imported from their own packages, so that nothing is loaded that is
not used: `agno_lite.db.postgres.PostgresDb`, `agno_lite.db.sqlite.SqliteDb`,
`agno_lite.db.in_memory.InMemoryDb`.
"""

from __future__ import annotations

from agno_lite.db.base import BaseDb
from agno_lite.db.schemas import (
    AgentSession,
    EvalRunRecord,
    MemoryChange,
    RunRecord,
    Turn,
    UserMemory,
)

__all__ = [
    "AgentSession",
    "BaseDb",
    "EvalRunRecord",
    "MemoryChange",
    "RunRecord",
    "Turn",
    "UserMemory",
]
