"""What goes over the wire: every HTTP request of `httpx2` and its answer, retries too.

The client gets what it would get without the recorder, when it would get it: streams are copied while
they pass. Headers are not recorded, so no key is.
"""

from __future__ import annotations

import itertools
import json
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from httpx2 import Request, Response

    from agno_lite.gallery.execution.journal import Journal


class Wire(MetaPathFinder):
    """Notes exchanges from the moment at which the script, or what it imports, imports `httpx2`."""

    def __init__(self, journal: Journal, current_span: Callable[[], Any]) -> None:
        self._journal = journal
        self._current_span = current_span
        self._numbers = itertools.count(1)

    def install(self) -> None:
        """Wait for `httpx2` to be imported: doing so here would change what the script imports, and when."""
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find `httpx2` as Python would, to be told when it is loaded."""
        if fullname != "httpx2":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_watch(module: ModuleType) -> None:
            load(module)
            self._watch(module)

        setattr(spec.loader, "exec_module", load_and_watch)  # noqa: B010 - a loader's method, on this loader only
        return spec

    def _watch(self, httpx2: ModuleType) -> None:
        """Note what both clients send."""
        send, asend = httpx2.Client.send, httpx2.AsyncClient.send
        # Responses accept streams of these classes only.
        tee = type("Tee", (_Tee, httpx2.SyncByteStream, httpx2.AsyncByteStream), {})

        def watched(client: Any, request: Request, **options: Any) -> Response:
            exchange = _Exchange(self._journal, next(self._numbers), self._current_span(), request)
            try:
                return exchange.answered(send(client, request, **options), tee)
            except BaseException:
                exchange.failed()
                raise

        async def awatched(client: Any, request: Request, **options: Any) -> Response:
            exchange = _Exchange(self._journal, next(self._numbers), self._current_span(), request)
            try:
                return exchange.answered(await asend(client, request, **options), tee)
            except BaseException:
                exchange.failed()
                raise

        httpx2.Client.send, httpx2.AsyncClient.send = watched, awatched


class _Exchange:
    """One request and its answer."""

    def __init__(self, journal: Journal, number: int, span: Any, request: Request) -> None:
        self._journal = journal
        self._number = number
        journal.write(
            "request",
            number=number,
            span=span.number if span else None,
            method=request.method,
            path=request.url.path,
            body=_request_body(request),
        )

    def answered(self, response: Response, tee: Callable[..., Any]) -> Response:
        """Note the answer: now if it was read, else when it has passed."""
        if response.is_stream_consumed or response.is_closed:
            self._note(response, response.content)
        else:
            response.stream = tee(response.stream, lambda raw: self._note(response, _decoded(response, raw)))
        return response

    def failed(self) -> None:
        """Note that no answer came."""
        self._journal.write("response", number=self._number, status=None, streamed=False, body=None)

    def _note(self, response: Response, content: bytes) -> None:
        streamed = response.headers.get("content-type", "").startswith("text/event-stream")
        body = _events(content) if streamed else _body(content)
        self._journal.write(
            "response", number=self._number, status=response.status_code, streamed=streamed, body=body
        )


class _Tee:
    """A response's stream. Tells `note` at its end, or when it is closed before, what has passed."""

    def __init__(self, inner: Any, note: Callable[[bytes], None]) -> None:
        self._inner = inner
        self._note: Callable[[bytes], None] | None = note
        self._passed = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._inner:
            self._passed += chunk
            yield chunk
        self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            self._passed += chunk
            yield chunk
        self._end()

    def close(self) -> None:
        self._inner.close()
        self._end()

    async def aclose(self) -> None:
        await self._inner.aclose()
        self._end()

    def _end(self) -> None:
        if self._note is not None:
            note, self._note = self._note, None
            note(bytes(self._passed))


def _decoded(response: Response, raw: bytes) -> bytes:
    """The content of a body as it was sent, compressed or not; the raw bytes if it was cut."""
    import httpx2

    try:
        return httpx2.Response(response.status_code, headers=response.headers, content=raw).content
    except httpx2.DecodingError:
        return raw


def _request_body(request: Request) -> Any:
    import httpx2

    try:
        return _body(request.content)
    except httpx2.RequestNotRead:
        return "<stream>"


def _body(content: bytes) -> Any:
    """JSON as it is, text as text, an empty body as `None`."""
    if not content:
        return None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"<{len(content)} bytes>"
    return _parsed(text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _events(content: bytes) -> list[Any]:
    """Data of the server-sent events of a body."""
    events: list[Any] = []
    for block in content.decode(errors="replace").replace("\r\n", "\n").split("\n\n"):
        lines = [
            line.removeprefix("data:").removeprefix(" ") for line in block.split("\n") if line[:5] == "data:"
        ]
        if lines:
            events.append(_parsed("\n".join(lines)))
    return events
