"""Memories: facts about a user, taken from what the user says."""

from agno_lite.memory.manager import MemoryManager

__all__ = ["MemoryManager"]
