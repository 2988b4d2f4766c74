"""Messages between the runtime and a model, independent of any wire format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish that a tool be called."""

    id: str
    """The model's id for the call; the result is sent back under it."""
    name: str
    """Name of the tool."""
    arguments: str
    """Arguments as the model wrote them: JSON text, not yet checked."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    """Who speaks. `system` becomes `developer` on the wire of OpenAI's newer models."""
    content: str | None = None
    """The text; `None` in an assistant message that only calls tools."""
    tool_calls: tuple[ToolCall, ...] = ()
    """Calls that an assistant message asks for, in its order."""
    tool_call_id: str | None = None
    """In a tool message: which call this is the result of."""
    name: str | None = None
    """In a tool message: name of the tool."""

    def to_dict(self) -> dict[str, Any]:
        """The message as plain data, empty fields left out; `from_dict` reads it back."""
        data: dict[str, Any] = {"role": self.role, "content": self.content}
        if self.tool_calls:
            data["tool_calls"] = [
                {"id": call.id, "name": call.name, "arguments": call.arguments} for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            data["tool_call_id"] = self.tool_call_id
        if self.name is not None:
            data["name"] = self.name
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Message:
        """Read back what `to_dict` gave."""
        calls = tuple(ToolCall(**call) for call in data.get("tool_calls", ()))
        return cls(data["role"], data.get("content"), calls, data.get("tool_call_id"), data.get("name"))
