"""Models that speak OpenAI's Chat Completions."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from agno_lite.models.base import ContentDelta, Model, ModelResponse
from agno_lite.models.openai.wire import (
    ROLE_MAP,
    StreamedAnswer,
    message_to_wire,
    read_completion,
    read_json,
    tool_to_wire,
)
from agno_lite.models.settings import Endpoint, resolve
from agno_lite.tracing import semconv, span
from agno_lite.utils.aio import hop_stream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping

    import httpx2

    from agno_lite.models.base import ModelRequest
    from agno_lite.models.openai.errors import Asked

    class _Settable(Protocol):
        def set(self, name: str, value: Any) -> None: ...


_DRAIN_SECONDS = 0.2
"""How long to wait for the end of a stream whose last event has come."""
_PARAMETERS = (
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "user",
)
"""Fields that go into the request under their own names, unless they are `None`."""


@dataclass(slots=True, eq=False)
class OpenAIChat(Model):
    """A model behind OpenAI's Chat Completions, or behind any service that speaks it.

    Which service, or the built-in offline model, is decided at each answer: see `agno_lite.models.settings`.
    """

    id: str = "gpt-4o"
    """Name of the model at its provider."""
    name: str = "OpenAIChat"
    """Name for people."""
    provider: str = "openai"
    """OpenTelemetry's name of the provider."""
    api_key: str | None = field(default=None, repr=False)
    """Key for the service, in place of `OPENAI_API_KEY`."""
    base_url: str | None = field(default=None, repr=False)
    """Address of the service, in place of `OPENAI_BASE_URL`."""
    organization: str | None = None
    """OpenAI's organisation, in place of `OPENAI_ORG_ID`."""
    http_client: httpx2.AsyncClient | None = field(default=None, repr=False)
    """An HTTP client to use. It serves on the package's background event loop and is closed with it."""
    timeout: float | None = None
    """Seconds to wait for the service; the SDK's 600 if `None`."""
    max_retries: int | None = None
    """How often a request is repeated after 408, 409, 429, 5xx or no connection; the SDK's 2 if `None`."""
    temperature: float | None = None
    """How freely the model chooses its words, from 0 to 2."""
    top_p: float | None = None
    """Share of the likeliest words to choose from, from 0 to 1."""
    max_tokens: int | None = None
    """Longest answer in tokens, for older models and other services."""
    max_completion_tokens: int | None = None
    """Longest answer in tokens, thoughts included."""
    seed: int | None = None
    """Makes answers more repeatable."""
    stop: str | list[str] | None = None
    """Texts at which the model stops."""
    user: str | None = None
    """An id of the end user for the service's abuse detection."""
    extra_headers: Mapping[str, str] | None = field(default=None, repr=False)
    """Further HTTP headers."""
    role_map: Mapping[str, str] | None = None
    """Names of the message roles on the wire; `{"system": "developer"}` if `None`."""

    def describe(self) -> str:
        """Which model answers from where: part of the line that a run prints first.

        Raises:
            ConfigurationError: no model can be reached with the settings at hand.
        """
        endpoint = self._endpoint()
        if endpoint.offline:
            return (
                f"{self.id}, played by the built-in offline model, which follows rules"
                " (another: set OPENAI_API_KEY, and not AGNO_LITE_OFFLINE)"
            )
        return f"{self.id} at {_host(endpoint.base_url)}"

    async def answer(self, request: ModelRequest) -> AsyncIterator[ContentDelta | ModelResponse]:
        """Ask the model.

        Yields:
            With `request.stream` the text in pieces as it arrives; always, last, the whole response.

        Raises:
            ConfigurationError: no model can be reached with the settings at hand.
            ModelError: no usable answer came; the subclass says why.
        """
        async with aclosing(hop_stream(self._answer(request, self._endpoint()))) as pieces:
            async for piece in pieces:
                yield piece

    def _endpoint(self) -> Endpoint:
        return resolve(
            api_key=self.api_key, base_url=self.base_url, given_client=self.http_client is not None
        )

    async def _answer(
        self, request: ModelRequest, endpoint: Endpoint
    ) -> AsyncGenerator[ContentDelta | ModelResponse, None]:
        """Runs on the background loop, in a task of its own."""
        with span(
            semconv.CHAT,
            self.id,
            gen_ai__operation__name=semconv.CHAT,
            gen_ai__provider__name=self.provider,
            gen_ai__request__model=self.id,
        ) as asking:
            asking.set(semconv.OFFLINE, endpoint.offline)
            async with aclosing(self._exchange(request, endpoint)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, ModelResponse):
                        _note(asking, piece)
                    yield piece

    async def _exchange(
        self, request: ModelRequest, endpoint: Endpoint
    ) -> AsyncGenerator[ContentDelta | ModelResponse, None]:
        from agno_lite.models.openai.errors import translated

        asked = self._asked(endpoint)
        with translated(asked):
            response = await self._post(request, endpoint)
            async with aclosing(_read(response, asked)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _post(self, request: ModelRequest, endpoint: Endpoint) -> httpx2.Response:
        """Send the request through the SDK, which signs and retries it, and get the bare HTTP response.

        Asked for a stream, the SDK hands out the response before its body has come.
        """
        import httpx2
        import openai

        from agno_lite.models.openai.client import shared_client

        client = shared_client(endpoint, self.organization, self.http_client)
        response = await client.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body=self._body(request),
            options=self._options(),
            stream=request.stream,
            stream_cls=openai.AsyncStream[Any] if request.stream else None,
        )
        return cast("httpx2.Response", response)

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        roles = ROLE_MAP if self.role_map is None else self.role_map
        body: dict[str, Any] = {
            "model": self.id,
            "messages": [message_to_wire(message, roles) for message in request.messages],
        }
        if request.tools:
            body["tools"] = [tool_to_wire(tool) for tool in request.tools]
        for name in _PARAMETERS:
            if (value := getattr(self, name)) is not None:
                body[name] = value
        if request.stream:
            body["stream"] = True
            body["stream_options"] = {"include_usage": True}
        return body

    def _options(self) -> Any:
        options = {"timeout": self.timeout, "max_retries": self.max_retries, "headers": self.extra_headers}
        return {name: value for name, value in options.items() if value is not None}

    def _asked(self, endpoint: Endpoint) -> Asked:
        from agno_lite.models.openai.errors import Asked

        address = urlsplit(endpoint.base_url)
        secrets = (endpoint.api_key, address.password, address.query, *(self.extra_headers or {}).values())
        return Asked(
            self.id,
            "the offline model" if endpoint.offline else _host(endpoint.base_url),
            tuple(secret for secret in secrets if secret),
        )


def _host(base_url: str) -> str:
    """Host and port of an address: what may be shown of it."""
    return urlsplit(base_url).netloc.rpartition("@")[2] or "the address in base_url"


def _note(asking: _Settable, response: ModelResponse) -> None:
    asking.set(semconv.RESPONSE_FINISH_REASONS, [response.finish_reason])
    asking.set(semconv.USAGE_INPUT_TOKENS, response.usage.input_tokens)
    asking.set(semconv.USAGE_OUTPUT_TOKENS, response.usage.output_tokens)


async def _read(
    response: httpx2.Response, asked: Asked
) -> AsyncGenerator[ContentDelta | ModelResponse, None]:
    """The answer in a response, which is closed in any case."""
    try:
        # Some services never stream, and errors come whole.
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            yield read_completion(read_json(await response.aread()))
            return
        async with aclosing(_read_events(response, asked)) as pieces:
            async for piece in pieces:
                yield piece
    finally:
        await response.aclose()


async def _read_events(
    response: httpx2.Response, asked: Asked
) -> AsyncGenerator[ContentDelta | ModelResponse, None]:
    from agno_lite.models.openai.errors import broken
    from agno_lite.models.openai.sse import event_data

    answer = StreamedAnswer()
    async with aclosing(event_data(response.aiter_bytes())) as events:
        async for data in events:
            if data == "[DONE]":
                await _drain(events)
                break
            if text := answer.add(read_json(data)):
                yield ContentDelta(text)
    if not answer.finished:
        raise broken(asked, "the stream ended early")
    yield answer.response()


async def _drain(events: AsyncGenerator[str, None]) -> None:
    """Read what follows the last event: only a body that was read to its end leaves its connection usable."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_SECONDS):
            async for _ in events:
                pass
