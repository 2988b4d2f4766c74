"""How runs end."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    """State of a run."""

    RUNNING = "RUNNING"
    """It has begun."""
    COMPLETED = "COMPLETED"
    """It has an answer, and its memories are stored."""
    CANCELLED = "CANCELLED"
    """Its task was cancelled; what the user said is kept."""
    ERROR = "ERROR"
    """An error ended it, which was raised; what the user said is kept."""
