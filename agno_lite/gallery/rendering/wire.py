"""What a request to a model asked and what came back, read from the bodies on the wire.

Understands the Chat Completions and the Responses format, whole and streamed. What has another form
yields nothing here; pages show the body itself in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agno_lite.gallery.records import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool that a model wants called."""

    name: str
    """The tool."""
    arguments: str
    """What to call it with, as the model wrote it."""
    id: str
    """What the tool's result will refer to it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a model answered."""

    text: str
    """The answer's text, put together if it came in pieces."""
    calls: tuple[Call, ...]
    """Tools that it wants called."""
    error: str
    """Message of an error that came instead; or empty."""
    events: int | None
    """Number of events of a streamed answer."""


def system_text(request: Any) -> str:
    """The instructions of a request: its system or developer messages."""
    parts = [_text(item.get("content")) for item in _items(request) if item.get("role") in _SYSTEM_ROLES]
    own = request.get("instructions") if isinstance(request, dict) else None
    return "\n\n".join(part for part in (own, *parts) if part)


def question(request: Any) -> str:
    """The last thing the user said in a request."""
    said = [_text(item.get("content")) for item in _items(request) if item.get("role") == "user"]
    return said[-1] if said else ""


def answer(response: Any) -> Answer:
    """Read an answer's body; of a streamed one the list of its events."""
    if isinstance(response, list):
        events = [event for event in response if isinstance(event, dict)]
        return _answer(_assembled(events), events=len(response))
    return _answer(response if isinstance(response, dict) else {}, events=None)


_SYSTEM_ROLES = ("system", "developer")


def _items(request: Any) -> list[JSON]:
    """The messages of a request."""
    if not isinstance(request, dict):
        return []
    items = request.get("messages", request.get("input", []))
    if isinstance(items, str):
        return [{"role": "user", "content": items}]
    return [item for item in items or [] if isinstance(item, dict)]


def _text(content: Any) -> str:
    """The text of a message's content: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))


def _answer(body: JSON, *, events: int | None) -> Answer:
    messages = list(_messages(body))
    error = body.get("error") or {}
    return Answer(
        text="".join(_text(message.get("content")) for message in messages),
        calls=tuple(call for message in messages for call in _calls(message)),
        error=str(error.get("message", error) if isinstance(error, dict) else error) if error else "",
        events=events,
    )


def _messages(body: JSON) -> Iterator[JSON]:
    yield from (choice.get("message") or {} for choice in body.get("choices") or [])
    yield from (item for item in body.get("output") or [] if isinstance(item, dict))


def _calls(message: JSON) -> Iterator[Call]:
    functions = [(call.get("id"), call.get("function") or {}) for call in message.get("tool_calls") or []]
    if message.get("type") == "function_call":
        functions.append((message.get("call_id"), message))
    for call_id, function in functions:
        yield Call(
            name=str(function.get("name", "")),
            arguments=str(function.get("arguments", "")),
            id=str(call_id or ""),
        )


def _assembled(events: Iterable[JSON]) -> JSON:
    """The body that a stream's events add up to."""
    text: list[str] = []
    calls: dict[int, JSON] = {}
    for event in events:
        if isinstance(event.get("response"), dict) and event["response"].get("output"):
            return dict(event["response"])
        if event.get("error"):
            return event
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            text.append(delta.get("content") or "")
            _add_calls(calls, delta.get("tool_calls") or [])
    return {"choices": [{"message": {"content": "".join(text), "tool_calls": list(calls.values())}}]}


def _add_calls(calls: dict[int, JSON], pieces: Iterable[JSON]) -> None:
    """Append pieces of tool calls to the calls they belong to."""
    for piece in pieces:
        call = calls.setdefault(piece.get("index", 0), {"function": {"name": "", "arguments": ""}})
        call["id"] = call.get("id") or piece.get("id")
        for key, value in (piece.get("function") or {}).items():
            call["function"][key] = call["function"].get(key, "") + (value or "")
