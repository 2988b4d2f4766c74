"""A compact agent, team and memory runtime, on the `openai` SDK and PostgreSQL.

The names below are imported when they are first used, so that `import agno_lite` stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agno_lite.agent.agent import Agent
    from agno_lite.db.in_memory import InMemoryDb
    from agno_lite.db.postgres import PostgresDb
    from agno_lite.db.sqlite import SqliteDb
    from agno_lite.exceptions import AgnoLiteError
    from agno_lite.memory.manager import MemoryManager
    from agno_lite.models.openai import OpenAIChat
    from agno_lite.team.team import Team

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "AgnoLiteError",
    "InMemoryDb",
    "MemoryManager",
    "OpenAIChat",
    "PostgresDb",
    "SqliteDb",
    "Team",
]

_HOMES = {
    "Agent": "agno_lite.agent.agent",
    "AgnoLiteError": "agno_lite.exceptions",
    "InMemoryDb": "agno_lite.db.in_memory",
    "MemoryManager": "agno_lite.memory.manager",
    "OpenAIChat": "agno_lite.models.openai",
    "PostgresDb": "agno_lite.db.postgres",
    "SqliteDb": "agno_lite.db.sqlite",
    "Team": "agno_lite.team.team",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
