"""Server-sent events, read from bytes that come in pieces of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator


async def event_data(pieces: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The data of each event.

    Lines end with LF, CR or CR LF; several `data:` lines of one event are joined by LF; comments and other
    fields are passed over. An event that the stream ends in is given too, as some services leave out the
    last blank line.

    Raises:
        UnicodeDecodeError: the stream is not UTF-8.
    """
    data: list[str] = []
    async for line in _lines(pieces):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" ").decode())
        elif not line and data:
            yield "\n".join(data)
            data.clear()
    if data:
        yield "\n".join(data)


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        # A CR at the end may be half of a CR LF: it waits for the next piece.
        rest, held = (rest + piece, b"") if not piece.endswith(b"\r") else (rest + piece[:-1], b"\r")
        *whole, rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest += held
        for line in whole:
            yield line
    *whole, rest = rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    for line in (*whole, rest):
        yield line
