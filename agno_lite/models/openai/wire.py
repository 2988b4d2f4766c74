"""The Chat Completions format: our messages to plain data and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agno_lite.exceptions import ModelResponseError
from agno_lite.models.base import ModelResponse, Usage
from agno_lite.models.message import Message, ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE_MAP = {"system": "developer"}
"""Names of roles on the wire where they differ: OpenAI's newer models call the system `developer`."""


def message_to_wire(message: Message, roles: Mapping[str, str]) -> dict[str, Any]:
    """A message as Chat Completions writes it."""
    wire: dict[str, Any] = {"role": roles.get(message.role, message.role), "content": message.content}
    if message.tool_calls:
        wire["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def tool_to_wire(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A function tool as Chat Completions writes it."""
    return {"type": "function", "function": dict(tool)}


def read_json(text: str | bytes) -> dict[str, Any]:
    """An object from an answer.

    Raises:
        ModelResponseError: it is no JSON, not an object, or an error's description.
    """
    try:
        data = json.loads(text)
    except ValueError:
        shown = text.decode(errors="replace") if isinstance(text, bytes) else text
        raise _unusable("JSON", shown) from None
    if not isinstance(data, dict):
        raise _unusable("a JSON object", data)
    if data.get("error"):
        raise ModelResponseError(f"the model's service answered with an error: {error_text(data['error'])}")
    return data


def error_text(error: object) -> str:
    """What an error object of the service says."""
    if isinstance(error, dict):
        error = error.get("message") or error
    return _shortened(error)


def read_completion(data: dict[str, Any]) -> ModelResponse:
    """The response in a completion that came whole.

    Raises:
        ModelResponseError: it is no chat completion.
    """
    choice = _first_choice(data)
    if choice is None:
        raise _unusable("a chat completion with at least one choice", data)
    message = _member(choice, "message", dict)
    calls = tuple(_read_call(call) for call in _member(message, "tool_calls", list, []))
    text = _member(message, "content", str, None) or _member(message, "refusal", str, None)
    return ModelResponse(
        message=Message("assistant", text if text or calls else "", calls),
        finish_reason=_member(choice, "finish_reason", str, "tool_calls" if calls else "stop"),
        usage=read_usage(data),
        model=_member(data, "model", str, ""),
    )


def read_usage(data: dict[str, Any]) -> Usage:
    """The token counts of a completion or of a chunk; zeros where the service gives none."""
    usage = _member(data, "usage", dict, {})
    return Usage(_member(usage, "prompt_tokens", int, 0), _member(usage, "completion_tokens", int, 0))


class StreamedAnswer:
    """A completion that comes in chunks."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._calls: dict[int, dict[str, str]] = {}
        self._usage = Usage()
        self._model = ""
        self._finish_reason = ""

    @property
    def finished(self) -> bool:
        """Whether the model has said why it stopped: then only usage may still come."""
        return bool(self._finish_reason)

    def add(self, chunk: dict[str, Any]) -> str:
        """Take in a chunk and give the text in it, which may be empty.

        Raises:
            ModelResponseError: it is no chunk of a chat completion.
        """
        self._model = _member(chunk, "model", str, "") or self._model
        if chunk.get("usage"):
            self._usage = read_usage(chunk)
        choice = _first_choice(chunk)
        if choice is None:
            return ""
        self._finish_reason = _member(choice, "finish_reason", str, "") or self._finish_reason
        delta = _member(choice, "delta", dict, {})
        for piece in _member(delta, "tool_calls", list, []):
            self._add_call(piece)
        text: str = _member(delta, "content", str, "") or _member(delta, "refusal", str, "")
        if text:
            self._text.append(text)
        return text

    def _add_call(self, piece: Any) -> None:
        known = self._calls.setdefault(
            _member(piece, "index", int, len(self._calls)), {"id": "", "name": "", "arguments": ""}
        )
        function = _member(piece, "function", dict, {})
        known["id"] = _member(piece, "id", str, "") or known["id"]
        known["name"] += _member(function, "name", str, "")
        known["arguments"] += _member(function, "arguments", str, "")

    def response(self) -> ModelResponse:
        """The whole answer.

        Raises:
            ModelResponseError: a tool call in it has no name.
        """
        calls = tuple(
            _read_call({"id": call["id"], "function": call}) for _, call in sorted(self._calls.items())
        )
        text = "".join(self._text)
        return ModelResponse(
            message=Message("assistant", text if text or not calls else None, calls),
            finish_reason=self._finish_reason,
            usage=self._usage,
            model=self._model,
        )


_REQUIRED: Any = object()


def _member(data: Any, key: str, kind: type, default: Any = _REQUIRED) -> Any:
    """A member of an object in the answer; null counts as absent."""
    value = data.get(key) if isinstance(data, dict) else None
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind):
        raise _unusable(f"{key!r} of type {kind.__name__}", data)
    return value


def _first_choice(data: dict[str, Any]) -> dict[str, Any] | None:
    choices = _member(data, "choices", list, [])
    if choices and not isinstance(choices[0], dict):
        raise _unusable("a choice that is an object", choices[0])
    return choices[0] if choices else None


def _read_call(call: Any) -> ToolCall:
    function = _member(call, "function", dict)
    name = _member(function, "name", str)
    if not name:
        raise _unusable("a tool call with a name", call)
    return ToolCall(_member(call, "id", str, ""), name, _member(function, "arguments", str, "{}"))


def _shortened(what: object) -> str:
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _unusable(expected: str, got: object) -> ModelResponseError:
    return ModelResponseError(
        f"the model's answer cannot be used: expected {expected}, got {_shortened(got) or 'nothing'}."
        " Check that the base URL is that of a Chat Completions service"
    )
