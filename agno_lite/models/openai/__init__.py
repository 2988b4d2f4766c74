"""Models behind OpenAI's interface. The `openai` package is imported at the first answer, not before."""

from __future__ import annotations

from agno_lite.models.openai.chat import OpenAIChat

__all__ = ["OpenAIChat"]
