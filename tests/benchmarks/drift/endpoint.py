"""A model server on loopback that gives every request the same short answer and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_WORDS = "Very well."


class _Server(ThreadingHTTPServer):
    """Keeps the bodies of all requests."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    """Answers Chat Completions, whole or as a stream."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keep the request and answer it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, _Server)
        self.server.bodies.append(json.dumps([self.path, body], sort_keys=True, ensure_ascii=False))
        streamed = bool(body.get("stream"))
        content = _stream(body) if streamed else json.dumps(_answer(body, "message", "stop")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def _answer(body: dict[str, Any], part: str, reason: str | None) -> dict[str, Any]:
    """An answer, or (part `delta`) a piece of one."""
    words = {"role": "assistant", "content": _WORDS}
    return {
        "id": "answer",
        "object": "chat.completion" if part == "message" else "chat.completion.chunk",
        "created": 0,
        "model": body.get("model", ""),
        "choices": [{"index": 0, part: words, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _stream(body: dict[str, Any]) -> bytes:
    events = [json.dumps(_answer(body, "delta", "stop")), "[DONE]"]
    return "".join(f"data: {event}\n\n" for event in events).encode()


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Serve; gives the address for `OPENAI_BASE_URL` and the list of requests, which fills."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.bodies
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
