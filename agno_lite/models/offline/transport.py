"""The offline model under an HTTP client, without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agno_lite.models.offline.model import OfflineModel, Reply


class OfflineTransport(httpx2.AsyncBaseTransport):
    """Hands requests to an offline model and streams its replies. Serves any number of event loops.

    Args:
        model: who answers.
    """

    def __init__(self, model: OfflineModel) -> None:
        self._model = model

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        body = await request.aread()
        reply = await self._model.reply(request.method, request.url.path, body)
        return httpx2.Response(
            reply.status, headers=list(reply.headers), stream=_ReplyStream(reply), request=request
        )


class _ReplyStream(httpx2.AsyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._reply.pieces:
            yield piece
            await asyncio.sleep(0)  # each piece reaches the reader before the next is sent
        if self._reply.cut:
            raise httpx2.RemoteProtocolError("the offline model was told to break this answer off")
