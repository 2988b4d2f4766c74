"""What comes next in a run: a pure function of a model's response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agno_lite.models.base import ModelResponse
    from agno_lite.models.message import ToolCall


@dataclass(frozen=True, slots=True)
class CallTools:
    """The model wants tools to be called before it goes on."""

    calls: tuple[ToolCall, ...]
    """The calls, in the model's order."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The model has answered."""

    content: str
    """The answer."""


Step = CallTools | Finish


def next_step(response: ModelResponse) -> Step:
    """What a response asks for: tools are called as long as it names any."""
    if response.message.tool_calls:
        return CallTools(response.message.tool_calls)
    return Finish(response.message.content or "")
