"""The rules by which the offline model answers: pure functions from a request to an answer.

`conversation` reads the request, `facts` finds what somebody says of themselves, `memory`, `delegation`,
`tools` and `replies` decide what to do with it, `language` holds the grammar they need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agno_lite.models.offline.rules.conversation import Call, read
from agno_lite.models.offline.rules.delegation import delegations
from agno_lite.models.offline.rules.memory import memory_calls, serves_memory
from agno_lite.models.offline.rules.replies import reply
from agno_lite.models.offline.rules.tools import results_text, tool_calls

__all__ = ["Answer", "Call", "decide"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the offline model says or wants done: text, or tool calls."""

    content: str | None
    """The text; `None` beside tool calls."""
    calls: tuple[Call, ...] = ()
    """Tools to be called."""

    @property
    def finish_reason(self) -> str:
        """Why the answer ends here."""
        return "tool_calls" if self.calls else "stop"


def decide(request: dict[str, Any]) -> Answer:
    """Answer a Chat Completions request.

    Args:
        request: one that has a model and messages of the right form.
    """
    talk = read(request)
    remembers = serves_memory(talk)
    if talk.results:
        return Answer("The memories are up to date." if remembers else results_text(talk))
    calls = memory_calls(talk) if remembers else (*delegations(talk), *tool_calls(talk))
    if calls and request.get("parallel_tool_calls") is False:
        calls = calls[:1]
    if calls:
        return Answer(None, calls)
    return Answer("There is nothing new to remember." if remembers else reply(talk))
