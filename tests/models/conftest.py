"""Servers and questions for the tests of the models."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from agno_lite.models.base import ContentDelta, ModelRequest, ModelResponse
from agno_lite.models.message import Message
from agno_lite.models.offline import Fault, OfflineModel
from agno_lite.models.offline.server import serving
from agno_lite.utils.aio import run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from agno_lite.models.base import Model

SETTINGS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "AGNO_LITE_OFFLINE", "AGNO_LITE_OFFLINE_LATENCY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of whoever runs it, or waits for the offline model."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AGNO_LITE_OFFLINE_LATENCY", "0")


@contextmanager
def in_thread(block: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """An asynchronous context manager, held open on an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(block.__aenter__(), loop).result()
        asyncio.run_coroutine_threadsafe(block.__aexit__(None, None, None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Start an offline model on a loopback port and get its base URL."""
    with ExitStack() as stack:

        def start(*faults: Fault, latency: float = 0) -> str:
            return stack.enter_context(in_thread(serving(OfflineModel(latency=latency, faults=faults))))

        yield start


@dataclass
class Scripted:
    """A server that answers each request with the next of the given texts, as they are."""

    replies: deque[bytes]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    conversations: set[asyncio.Task[None]] = field(default_factory=set)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    hang_up: bool = True
    """Whether connections end after one reply."""
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client ends a connection that the server keeps open."""
    url: str = ""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer requests until one side hangs up."""
        self.conversations.add(cast("asyncio.Task[None]", asyncio.current_task()))
        self.connections += 1
        self.writers.append(writer)
        try:
            await self._exchange(reader, writer)
            while not self.hang_up:
                await self._exchange(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        self.requests.append(head + await reader.readexactly(length))
        writer.write(self.replies.popleft() if self.replies else b"")
        await writer.drain()

    @contextmanager
    def running(self) -> Iterator[Scripted]:
        """Listen while the block runs."""

        @asynccontextmanager
        async def listening() -> AsyncIterator[str]:
            server = await asyncio.start_server(self.converse, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            try:
                yield f"http://127.0.0.1:{port}/v1"
            finally:
                server.close()
                for writer in self.writers:
                    writer.transport.abort()
                await asyncio.gather(*self.conversations, return_exceptions=True)

        with in_thread(listening()) as self.url:
            yield self


@pytest.fixture
def scripted() -> Iterator[Callable[..., Scripted]]:
    """Start a server with given replies."""
    with ExitStack() as stack:

        def start(*replies: bytes, hang_up: bool = True) -> Scripted:
            return stack.enter_context(Scripted(deque(replies), hang_up=hang_up).running())

        yield start


def http(body: bytes, *, status: str = "200 OK", kind: str = "application/json") -> bytes:
    """An HTTP response."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def question(text: str = "I like anime.", *, stream: bool = False, tools: Any = ()) -> ModelRequest:
    """A request with one message of a user."""
    return ModelRequest(messages=(Message("user", text),), stream=stream, tools=tuple(tools))


async def collect(model: Model, request: ModelRequest) -> list[ContentDelta | ModelResponse]:
    """Everything that a model yields."""
    return [piece async for piece in model.answer(request)]


def ask(model: Model, request: ModelRequest | None = None) -> ModelResponse:
    """The model's whole response, asked for from synchronous code."""
    response = run_sync(collect(model, request or question()))[-1]
    assert isinstance(response, ModelResponse)
    return response
