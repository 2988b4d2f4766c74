"""Chat Completions as the offline model writes them: requests checked, answers put into their format."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from agno_lite.models.offline.rules import Answer, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


class BadRequestError(Exception):
    """The request is none that Chat Completions allow.

    Attributes:
        param: the member of the request that is wrong.
    """

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def encode(data: Any) -> bytes:
    """Plain data as JSON."""
    return json.dumps(data, separators=(",", ":")).encode()


def error_body(message: str, *, kind: str, param: str | None = None) -> bytes:
    """An error as OpenAI's service writes it."""
    return encode({"error": {"message": message, "type": kind, "param": param, "code": None}})


def parse(body: bytes) -> dict[str, Any]:
    """Read and check a request.

    Raises:
        BadRequestError: it is not JSON, or lacks what every request has.
    """
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequestError("The request's body is not JSON.") from None
    if not isinstance(request, dict):
        raise BadRequestError("The request's body is not a JSON object.")
    if not isinstance(request.get("model"), str):
        raise BadRequestError("Expected the name of a model.", param="model")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequestError("Expected a list of at least one message.", param="messages")
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]")
    for number, tool in enumerate(_list(request, "tools")):
        _check_tool(tool, f"tools[{number}]")
    return request


def _check_message(message: Any, param: str) -> None:
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        raise BadRequestError(f"Expected a message with a role of {', '.join(_ROLES)}.", param=param)
    content = message.get("content")
    if not (content is None or isinstance(content, str | list)):
        raise BadRequestError("Expected a text or a list of parts.", param=f"{param}.content")


def _check_tool(tool: Any, param: str) -> None:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequestError("Expected a function with a name.", param=param)
    if not isinstance(function.get("parameters") or {}, dict):
        raise BadRequestError("Expected a JSON schema.", param=f"{param}.function.parameters")


def _list(request: dict[str, Any], name: str) -> list[Any]:
    value = request.get(name)
    if not (value is None or isinstance(value, list)):
        raise BadRequestError("Expected a list.", param=name)
    return value or []


def completion(request: dict[str, Any], created: int) -> bytes:
    """Answer a request in one piece.

    Args:
        request: as `parse` gave it.
        created: the time of the answer, in seconds since 1970.
    """
    answer, key = decide(request), _key(request)
    message: dict[str, Any] = {"role": "assistant", "content": answer.content, "refusal": None}
    if answer.calls:
        message["tool_calls"] = _calls(answer, key)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}
    head = _head(request, key, created, "chat.completion")
    return encode({**head, "choices": [choice], "usage": _usage(request, answer)})


def streamed(request: dict[str, Any], created: int) -> Iterator[bytes]:
    """Answer a request in events: the role, the pieces, the reason to stop, the usage if asked for."""
    answer, key = decide(request), _key(request)
    head = _head(request, key, created, "chat.completion.chunk")
    yield _chunk(head, {"role": "assistant", "content": None if answer.calls else ""})
    for delta in _deltas(answer, key):
        yield _chunk(head, delta)
    yield _chunk(head, {}, answer.finish_reason)
    options = request.get("stream_options")
    if isinstance(options, dict) and options.get("include_usage"):
        yield _event({**head, "choices": [], "usage": _usage(request, answer)})
    yield b"data: [DONE]\n\n"


def _deltas(answer: Answer, key: str) -> Iterator[dict[str, Any]]:
    for word in re.findall(r"\s*\S+|\s+$", answer.content or ""):
        yield {"content": word}
    for index, call in enumerate(_calls(answer, key)):
        function = call["function"]
        yield {"tool_calls": [{"index": index, **call, "function": {**function, "arguments": ""}}]}
        for piece in re.findall(r"(?s).{1,24}", function["arguments"]):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _chunk(head: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event({**head, "choices": [choice]})


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + encode(data) + b"\n\n"


def _head(request: dict[str, Any], key: str, created: int, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{key}",
        "object": kind,
        "created": created,
        "model": request["model"],
        "system_fingerprint": _fingerprint(),
    }


@cache
def _fingerprint() -> str:
    """Says in each answer who gave it."""
    try:
        version = metadata.version("agno-lite")
    except metadata.PackageNotFoundError:
        version = "source"
    return f"agno_lite-offline-{version}"


def _key(request: dict[str, Any]) -> str:
    """The same for the same request."""
    asked = {name: request.get(name) for name in ("model", "messages", "tools", "tool_choice")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:24]


def _calls(answer: Answer, key: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{hashlib.sha256(f'{key}{number}'.encode()).hexdigest()[:24]}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        for number, call in enumerate(answer.calls)
    ]


def _usage(request: dict[str, Any], answer: Answer) -> dict[str, int]:
    prompt = _tokens(request["messages"]) + (_tokens(request["tools"]) if request.get("tools") else 0)
    written = _tokens(answer.content) if answer.content else 0
    written += sum(_tokens({"name": call.name, "arguments": call.arguments}) for call in answer.calls)
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _tokens(what: Any) -> int:
    """An estimate, and rather too high than too low: a quarter of the UTF-8 bytes, rounded up."""
    text = what if isinstance(what, str) else json.dumps(what, ensure_ascii=False, separators=(",", ":"))
    return -(-len(text.encode("utf-8", "surrogatepass")) // 4)
