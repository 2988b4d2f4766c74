"""The offline model behind whatever carries it: request in, reply out."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agno_lite.models.offline.completions import (
    BadRequestError,
    completion,
    encode,
    error_body,
    parse,
    streamed,
)
from agno_lite.models.offline.settings import latency_setting

if TYPE_CHECKING:
    from collections.abc import Iterable

_STATUS_ERRORS = {
    401: ("invalid_request_error", "Incorrect API key provided."),
    403: ("invalid_request_error", "This key may not use the model."),
    404: ("invalid_request_error", "There is nothing at this address."),
    429: ("rate_limit_error", "Too many requests."),
}
_ARRIVAL_GAP = 1e-5
"""Seconds between two answers at least, so that answers keep the order of their requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong, on purpose, in place of one answer or in the midst of it."""

    status: int = 200
    """HTTP status to answer with; from 400 on, an error body comes in place of the answer."""
    retry_after: float | None = None
    """Seconds to name in a `Retry-After` header."""
    body: str | None = None
    """Sent in place of the answer's body, as JSON by its content type whatever it is."""
    cut_after: int | None = None
    """How many pieces of the answer are sent before the connection breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An HTTP response of the offline model."""

    status: int = 200
    """HTTP status."""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)
    """HTTP headers, without those of the transfer."""
    pieces: tuple[bytes, ...] = field(default=(), repr=False)
    """The body, in the pieces in which it is to be sent."""
    streamed: bool = False
    """Whether the length is to stay unknown to the receiver."""
    cut: bool = False
    """Whether the connection breaks after the pieces."""


class OfflineModel:
    """A deterministic, rule-based model that speaks Chat Completions over HTTP. Safe to use from any thread.

    Args:
        latency: seconds until each answer, `AGNO_LITE_OFFLINE_LATENCY` or 0.05 if `None`. All answers take
            equally long and come in the order of the requests.
        faults: what goes wrong, one fault for each request from the first; then all goes well.

    Raises:
        ConfigurationError: `AGNO_LITE_OFFLINE_LATENCY` is no number of seconds.
    """

    def __init__(self, *, latency: float | None = None, faults: Iterable[Fault] = ()) -> None:
        self.latency = latency_setting() if latency is None else latency
        self._faults = deque(faults)
        self._free_at = 0.0
        self._lock = threading.Lock()

    async def reply(self, method: str, path: str, body: bytes) -> Reply:
        """Answer an HTTP request after the latency.

        Args:
            method: the HTTP method.
            path: the path, from the host's root and without a query.
            body: the request's body.
        """
        due, fault = self._accept()
        await _until(due)
        if fault.body is not None:
            return _whole(fault.status, fault.body.encode())
        if fault.status >= 400:
            return _fault_reply(fault)
        answer = _route(method, path, body)
        if fault.cut_after is None:
            return answer
        return Reply(
            headers=answer.headers,
            pieces=answer.pieces[: fault.cut_after],
            streamed=answer.streamed,
            cut=True,
        )

    def _accept(self) -> tuple[float, Fault]:
        """When to answer the request that has just come, and what shall go wrong with it."""
        with self._lock:
            self._free_at = max(time.monotonic() + self.latency, self._free_at + _ARRIVAL_GAP)
            return self._free_at, self._faults.popleft() if self._faults else Fault()


async def _until(due: float) -> None:
    """Wait for a time of `time.monotonic()`. Waiters of one loop go on in the order of their times."""
    loop = asyncio.get_running_loop()
    reached = loop.create_future()
    timer = loop.call_at(loop.time() + due - time.monotonic(), _reach, reached)
    try:
        await reached
    finally:
        timer.cancel()


def _reach(reached: asyncio.Future[None]) -> None:
    if not reached.done():
        reached.set_result(None)


def _route(method: str, path: str, body: bytes) -> Reply:
    known = {"/v1/chat/completions": "POST", "/v1/models": "GET"}
    if path not in known:
        return refusal(404, f"There is nothing at {path}: known are {' and '.join(known)}.")
    if method != known[path]:
        reply = refusal(405, f"{path} takes {known[path]}, not {method}.")
        return Reply(status=405, headers=(*reply.headers, ("allow", known[path])), pieces=reply.pieces)
    if path == "/v1/models":
        return _whole(200, _models())
    try:
        request = parse(body)
    except BadRequestError as error:
        return refusal(400, str(error), param=error.param)
    if request.get("stream"):
        events = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
        return Reply(headers=events, pieces=tuple(streamed(request, int(time.time()))), streamed=True)
    return _whole(200, completion(request, int(time.time())))


def _models() -> bytes:
    model: dict[str, Any] = {
        "id": "agno-lite-offline",
        "object": "model",
        "created": 0,
        "owned_by": "agno-lite",
    }
    return encode({"object": "list", "data": [model]})


def _whole(status: int, body: bytes) -> Reply:
    return Reply(status=status, pieces=(body,))


def refusal(
    status: int, message: str, *, kind: str = "invalid_request_error", param: str | None = None
) -> Reply:
    """An error as OpenAI's service sends it."""
    return _whole(status, error_body(message, kind=kind, param=param))


def _fault_reply(fault: Fault) -> Reply:
    kind, message = _STATUS_ERRORS.get(fault.status, ("server_error", "The server had an error."))
    reply = refusal(fault.status, message, kind=kind)
    if fault.retry_after is None:
        return reply
    header = ("retry-after", f"{fault.retry_after:g}")
    return Reply(status=fault.status, headers=(*reply.headers, header), pieces=reply.pieces)
