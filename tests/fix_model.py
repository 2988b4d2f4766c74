"""A loopback HTTP server in front of the offline model, which keeps every request that arrives."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.models.offline import Fault, OfflineModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(slots=True)
class ModelServer:
    """A running server and what it was asked."""

    url: str
    """Value for `base_url` or `OPENAI_BASE_URL`."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """Bodies of the requests, in order of arrival."""
    most_at_once: int = 0
    """How many requests were under way at the same time, at most."""

    def answers(self) -> list[dict[str, Any]]:
        """The requests of agents: those without memory tools."""
        return [body for body in self.bodies if not is_memory_update(body)]

    def memory_updates(self) -> list[dict[str, Any]]:
        """The requests of memory managers."""
        return [body for body in self.bodies if is_memory_update(body)]


def is_memory_update(body: dict[str, Any]) -> bool:
    """Whether a request is that of a memory manager."""
    return any(tool["function"]["name"] == "add_memory" for tool in body.get("tools", ()))


ServeModel = "Callable[..., ModelServer]"


@pytest.fixture
def serve_model() -> Iterator[Callable[..., ModelServer]]:
    """Start servers: `serve_model(latency=0.0, faults=[Fault(status=500)])`. They end with the test.

    With `delay`, each answer is held back for as many seconds as it says of the request's body.
    """
    with model_servers() as start:
        yield start


@contextmanager
def model_servers() -> Iterator[Callable[..., ModelServer]]:
    """`serve_model`, for what outlives a test."""
    with ExitStack() as running:

        def start(
            latency: float = 0.0,
            faults: Sequence[Fault] = (),
            delay: Callable[[dict[str, Any]], float] = lambda _: 0.0,
        ) -> ModelServer:
            model = OfflineModel(latency=latency, faults=faults)
            server = _Server(("127.0.0.1", 0), _handler(model, delay))
            server.record = ModelServer(f"http://127.0.0.1:{server.server_port}/v1")
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            running.callback(thread.join)
            running.callback(server.server_close)
            running.callback(server.shutdown)
            return server.record

        yield start


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    record: ModelServer


def _handler(model: OfflineModel, delay: Callable[[dict[str, Any]], float]) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()
    under_way = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server: _Server

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_POST(self) -> None:
            nonlocal under_way
            body = self.rfile.read(int(self.headers["content-length"]))
            record = self.server.record
            request = json.loads(body)
            with lock:
                under_way += 1
                record.bodies.append(request)
                record.most_at_once = max(record.most_at_once, under_way)
            try:
                time.sleep(delay(request))
                self._reply(body)
            finally:
                with lock:
                    under_way -= 1

        def _reply(self, body: bytes) -> None:
            reply = asyncio.run(model.reply("POST", self.path, body))
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for piece in reply.pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if not reply.cut:
                self.wfile.write(b"0\r\n\r\n")
            self.close_connection = reply.cut

    return Handler
