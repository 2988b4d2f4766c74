"""Storage in the memory of this process."""

from __future__ import annotations

from agno_lite.db.in_memory.in_memory import InMemoryDb

__all__ = ["InMemoryDb"]
