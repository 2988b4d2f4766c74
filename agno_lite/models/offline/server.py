"""The offline model as an HTTP server, for any client that speaks Chat Completions."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import h11

from agno_lite.exceptions import ConfigurationError
from agno_lite.models.offline.model import OfflineModel, Reply, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

MOST_BYTES = 16 * 1024 * 1024
"""Bytes that a request's body may have."""
_READ_BYTES = 64 * 1024


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    latency: float | None = None,
    ready: Callable[[str], None] = print,
) -> None:
    """Serve the offline model until Ctrl-C.

    Args:
        host: address to listen at.
        port: port to listen at; a free one if 0.
        latency: seconds until each answer, `AGNO_LITE_OFFLINE_LATENCY` or 0.05 if `None`.
        ready: called with the base URL, such as `http://127.0.0.1:40123/v1`, once requests are accepted.

    Raises:
        ConfigurationError: nobody can listen there, or the latency is no number of seconds.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(OfflineModel(latency=latency), host, port, ready))


async def _serve(model: OfflineModel, host: str, port: int, ready: Callable[[str], None]) -> None:
    async with serving(model, host, port) as base_url:
        ready(base_url)
        await asyncio.get_running_loop().create_future()


@contextlib.asynccontextmanager
async def serving(model: OfflineModel, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve a model while the block runs; gives the base URL.

    Raises:
        ConfigurationError: nobody can listen there.
    """
    conversations: set[asyncio.Task[Any]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        conversations.add(task)
        task.add_done_callback(conversations.discard)
        # The server's end cancels it, and asyncio would report that as an error of this callback.
        with contextlib.suppress(asyncio.CancelledError):
            await _converse(_Connection(reader, writer), model)

    try:
        server = await asyncio.start_server(converse, host, port)
    except OSError as error:
        raise ConfigurationError(
            f"the offline model cannot listen at {host}:{port}: {error.strerror or error}; give another"
            " --port (0 takes a free one) or --host"
        ) from error
    name, number = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://[{name}]:{number}/v1" if ":" in name else f"http://{name}:{number}/v1"
    finally:
        server.close()
        for task in conversations:
            task.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


class _Connection:
    """One client's connection: h11's events over a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._protocol = h11.Connection(h11.SERVER)

    async def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What the client does next, waited for."""
        while (event := self._protocol.next_event()) is h11.NEED_DATA:
            if self._protocol.they_are_waiting_for_100_continue:
                await self.send(h11.InformationalResponse(status_code=100, headers=[]))
            self._protocol.receive_data(await self._reader.read(_READ_BYTES))
        return event

    async def send(self, event: h11.Event) -> None:
        """Send a part of the reply."""
        if data := self._protocol.send(event):
            self._writer.write(data)
            await self._writer.drain()

    def again(self) -> bool:
        """Get ready for another request; False if this connection takes none."""
        if self._protocol.our_state is not h11.DONE or self._protocol.their_state is not h11.DONE:
            return False
        self._protocol.start_next_cycle()
        return True

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def _converse(connection: _Connection, model: OfflineModel) -> None:
    """Answer requests on one connection until it ends."""
    try:
        while await _exchange(connection, model):
            pass
    except ConnectionError:
        pass  # the client has gone, and with it whoever could be told
    except h11.RemoteProtocolError as error:
        with contextlib.suppress(ConnectionError, h11.LocalProtocolError):
            await _send(connection, refusal(error.error_status_hint, f"This is no HTTP request: {error}."))
    finally:
        await connection.close()


async def _exchange(connection: _Connection, model: OfflineModel) -> bool:
    """Answer one request; whether another may follow."""
    request = await connection.next_event()
    if not isinstance(request, h11.Request):
        return False
    body = await _body(connection)
    if body is None:
        await _send(connection, refusal(413, f"The request has more than {MOST_BYTES} bytes."))
        return False
    path = request.target.decode("ascii").partition("?")[0]
    reply = await model.reply(request.method.decode("ascii"), path, body)
    await _send(connection, reply)
    return not reply.cut and connection.again()


async def _body(connection: _Connection) -> bytes | None:
    """The request's body; `None` if it is too long."""
    body = bytearray()
    while isinstance(event := await connection.next_event(), h11.Data):
        body += event.data
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


async def _send(connection: _Connection, reply: Reply) -> None:
    headers = list(reply.headers)
    if not reply.streamed:
        # A reply that is cut promises a byte that never comes.
        headers.append(("content-length", str(sum(map(len, reply.pieces)) + reply.cut)))
    await connection.send(h11.Response(status_code=reply.status, headers=headers))
    for piece in reply.pieces:
        await connection.send(h11.Data(data=piece))
        await asyncio.sleep(0)  # each piece is on its way before the next is made
    if not reply.cut:
        await connection.send(h11.EndOfMessage())
