"""The offline model under the real SDK, on its transport and on a loopback port."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agno_lite.exceptions import ConfigurationError
from agno_lite.models.offline import Fault, OfflineModel, OfflineTransport
from agno_lite.models.offline import server as server_module
from agno_lite.models.offline.server import serve as serve_model
from agno_lite.models.openai import OpenAIChat
from agno_lite.models.openai.client import shared_client
from agno_lite.models.settings import Endpoint
from agno_lite.utils.aio import run_sync
from tests.models.conftest import ask, question

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = {
    "type": "function",
    "function": {
        "name": "add_memory",
        "parameters": {
            "type": "object",
            "properties": {
                "memory": {"type": "string"},
                "topics": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["memory"],
        },
    },
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the current weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["C", "F"]},
            },
            "required": ["city"],
        },
    },
}


def client(*faults: Fault, latency: float = 0) -> openai.AsyncOpenAI:
    """The SDK's own client on an offline model."""
    transport = OfflineTransport(OfflineModel(latency=latency, faults=faults))
    return openai.AsyncOpenAI(
        api_key="x", base_url="http://offline.invalid/v1", http_client=httpx2.AsyncClient(transport=transport)
    )


def body(text: str, **more: Any) -> dict[str, Any]:
    """A request of one message."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


async def whole(sdk: openai.AsyncOpenAI, request: dict[str, Any]) -> Any:
    """The SDK's validated completion."""
    return await sdk.chat.completions.create(**request)


async def pieced(
    sdk: openai.AsyncOpenAI, request: dict[str, Any]
) -> tuple[str, list[tuple[str, str]], str, int]:
    """Text, calls, reason and tokens of the same request, streamed through the SDK."""
    calls: dict[int, tuple[str, str]] = {}
    text, reason, tokens = "", "", 0
    stream = await sdk.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
    async for piece in stream:
        tokens = piece.usage.total_tokens if piece.usage else tokens
        for choice in piece.choices:
            text += choice.delta.content or ""
            reason = choice.finish_reason or reason
            for call in choice.delta.tool_calls or []:
                name, arguments = calls.get(call.index, ("", ""))
                calls[call.index] = (name + (call.function.name or ""), arguments + call.function.arguments)
    return text, list(calls.values()), reason, tokens


@settings(max_examples=60, deadline=None)
@given(
    text=st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                [
                    "I",
                    "like",
                    "and",
                    "my",
                    "name",
                    "is",
                    "Mark",
                    "don't",
                    "to",
                    "?",
                    ",",
                    ".",
                    "\n",
                    "weather",
                    "in",
                    "7",
                ]
            )
        ).map(" ".join),
    ),
    tools=st.lists(st.sampled_from([FACTS, WEATHER]), max_size=2, unique_by=str),
    choice=st.sampled_from([None, "auto", "none", "required"]),
)
def test_any_text_gets_a_valid_answer(text: str, tools: list[Any], choice: str | None) -> None:
    """Whatever is said, the SDK accepts the answer, calls fit their schema, and streaming says the same."""
    request = body(text, **({"tools": tools} if tools else {}), **({"tool_choice": choice} if choice else {}))

    async def both() -> tuple[Any, Any]:
        sdk = client()
        return await whole(sdk, request), await pieced(sdk, request)

    completion, (streamed, calls, reason, tokens) = asyncio.run(both())
    message = completion.choices[0].message
    made = [(call.function.name, call.function.arguments) for call in message.tool_calls or []]
    assert (message.content or "", made, completion.choices[0].finish_reason) == (streamed, calls, reason)
    assert completion.usage.total_tokens == tokens
    assert bool(made) == (reason == "tool_calls") == (message.content is None)
    assert message.content is None or message.content.strip()
    for name, arguments in made:
        values = json.loads(arguments)
        assert name == "get_weather" or set(values) == {"memory", "topics"}
        assert isinstance(values.get("memory", values.get("city")), str)
    assert not (made and choice == "none")


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "model",
                        "messages",
                        "role",
                        "content",
                        "tools",
                        "function",
                        "name",
                        "parameters",
                        "properties",
                        "required",
                        "type",
                        "enum",
                        "tool_calls",
                        "tool_choice",
                        "id",
                        "items",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_any_request_is_answered_or_refused(data: Any) -> None:
    """No JSON at all makes the model fail: it answers, or refuses with OpenAI's error format."""
    template = {"model": "m", "messages": [{"role": "user", "content": "weather in Rome"}]}
    for request in (data, {**template, **data} if isinstance(data, dict) else {**template, "tools": data}):
        reply = asyncio.run(
            OfflineModel(latency=0).reply("POST", "/v1/chat/completions", json.dumps(request).encode())
        )
        answer = json.loads(b"".join(reply.pieces)) if not reply.streamed else {"choices": 1}
        assert reply.status in (200, 400)
        assert ("choices" in answer) == (reply.status == 200)
        assert ("error" in answer) == (reply.status == 400)


@settings(max_examples=80)
@given(
    schema=st.recursive(
        st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}),
        lambda inner: (
            st.fixed_dictionaries({"type": st.just("array"), "items": inner})
            | st.fixed_dictionaries(
                {
                    "type": st.just("object"),
                    "properties": st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
                    "required": st.just(["a", "b"]),
                }
            )
            | st.lists(inner, min_size=1, max_size=2).map(lambda of: {"anyOf": of})
        ),
        max_leaves=6,
    ),
    text=st.sampled_from(["", "run it with 3 and 4.5 in Rome", "call 'this'"]),
)
def test_forced_arguments_fit_any_schema(schema: dict[str, Any], text: str) -> None:
    """A named tool is called with arguments of the types that its schema asks for."""
    parameters = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    tool = {"type": "function", "function": {"name": "f", "parameters": parameters}}
    request = body(text, tools=[tool], tool_choice={"type": "function", "function": {"name": "f"}})
    reply = asyncio.run(
        OfflineModel(latency=0).reply("POST", "/v1/chat/completions", json.dumps(request).encode())
    )
    call = json.loads(b"".join(reply.pieces))["choices"][0]["message"]["tool_calls"][0]["function"]
    assert call["name"] == "f"
    assert fits(json.loads(call["arguments"]), parameters)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value is what a small JSON schema allows."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if schema["type"] == "array":
        return isinstance(value, list) and all(fits(item, schema["items"]) for item in value)
    if schema["type"] == "object":
        of = schema["properties"]
        return (
            isinstance(value, dict)
            and all(name in value for name in schema["required"] if name in of)
            and all(fits(value[name], of[name]) for name in value)
        )
    if isinstance(value, bool):
        return bool(schema["type"] == "boolean")
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "null": type(None),
        "boolean": (),
    }
    return isinstance(value, kinds[schema["type"]])


def test_same_request_same_answer_and_ids() -> None:
    """Answers, ids and usage depend on the request alone; the fingerprint says who answered."""

    async def twice() -> list[Any]:
        return [await whole(client(), body("I like tea.", tools=[FACTS])) for _ in range(2)]

    first, second = asyncio.run(twice())
    assert first.model_dump(exclude={"created"}) == second.model_dump(exclude={"created"})
    assert first.system_fingerprint.startswith("agno_lite-offline-")
    assert first.model == "gpt-4o"
    assert first.choices[0].message.tool_calls[0].id.startswith("call_")
    assert abs(first.created - time.time()) < 60


def test_tools_are_chosen_filled_in_and_answered_from() -> None:
    """A tool that fits is called with what the text says; its result is the answer."""

    async def talk() -> tuple[Any, Any]:
        sdk = client()
        request = body("What is the weather in New York for 3 days, in F?", tools=[WEATHER])
        first = (await whole(sdk, request)).choices[0].message
        request["messages"] += [
            first.model_dump(exclude_none=True),
            {
                "role": "tool",
                "tool_call_id": first.tool_calls[0].id,
                "content": '{"sky": "clear", "high": 21}',
            },
        ]
        return first.tool_calls, (await whole(sdk, request)).choices[0].message

    calls, answer = asyncio.run(talk())
    assert [json.loads(call.function.arguments) for call in calls] == [
        {"city": "New York", "days": 3, "unit": "F"}
    ]
    assert "sky: clear, high: 21" in answer.content
    assert answer.tool_calls is None


def test_tool_choice_is_obeyed() -> None:
    """`none` forbids, `required` demands, and without a fitting question nothing is called."""

    async def calls(text: str, choice: Any) -> int:
        answer = await whole(client(), body(text, tools=[WEATHER], tool_choice=choice))
        return len(answer.choices[0].message.tool_calls or [])

    async def counts() -> list[int]:
        return [
            await calls("What is the weather in Rome?", "none"),
            await calls("I am tired.", "auto"),
            await calls("I am tired.", "required"),
            await calls("Hello", {"type": "function", "function": {"name": "get_weather"}}),
        ]

    assert asyncio.run(counts()) == [0, 0, 1, 1]


def test_latency_is_waited_for_and_order_kept() -> None:
    """Every answer takes the latency, all at once no longer than one, and they come in the order asked."""
    order: list[int] = []

    async def burst() -> float:
        sdk = client(latency=0.1)
        shared = run_order(sdk)
        start = time.perf_counter()
        await asyncio.gather(*(shared(number) for number in range(20)))
        return time.perf_counter() - start

    def run_order(sdk: openai.AsyncOpenAI) -> Callable[[int], Any]:
        async def one(number: int) -> None:
            await sdk._client.post("http://offline.invalid/v1/chat/completions", json=body(str(number)))
            order.append(number)

        return one

    assert asyncio.run(burst()) >= 0.1
    assert order == list(range(20))


def test_stream_arrives_piece_by_piece() -> None:
    """The SDK hands out the first piece before the last one is made."""

    async def seen() -> list[str]:
        events: list[str] = []

        class Watching(OfflineTransport):
            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                response = await super().handle_async_request(request)
                source = response.stream

                class Noted(httpx2.AsyncByteStream):
                    async def __aiter__(self) -> Any:
                        async for piece in source:  # type: ignore[union-attr]
                            events.append("sent")
                            yield piece

                response.stream = Noted()
                return response

        transport = Watching(OfflineModel(latency=0))
        sdk = openai.AsyncOpenAI(
            api_key="x", base_url="http://o.invalid/v1", http_client=httpx2.AsyncClient(transport=transport)
        )
        stream = await sdk.chat.completions.create(**body("I like tea."), stream=True)
        async for _ in stream:
            events.append("read")  # noqa: PERF401 - the source writes into the same list in between
        return events

    events = asyncio.run(seen())
    assert events[:6] == ["sent", "read"] * 3


def test_faults_come_in_order_then_all_is_well() -> None:
    """Each request meets the next fault: a status, nonsense, a cut; the SDK takes them for real."""

    async def talk() -> None:
        sdk = client(
            Fault(status=401), Fault(status=429, retry_after=0), Fault(body="<html>"), Fault(cut_after=2)
        ).with_options(max_retries=0)
        with pytest.raises(openai.AuthenticationError):
            await whole(sdk, body("a"))
        with pytest.raises(openai.RateLimitError) as caught:
            await whole(sdk, body("a"))
        assert caught.value.response.headers["retry-after"] == "0"
        with pytest.raises(ValueError, match="Expecting value"):
            await whole(sdk, body("a"))
        with pytest.raises(openai.APIConnectionError):
            await pieced(sdk, body("a"))
        assert (await whole(sdk, body("a"))).choices[0].finish_reason == "stop"

    asyncio.run(talk())


def test_what_openai_chat_relies_on_in_the_sdk() -> None:
    """`post` gives the bare HTTP response, read when whole, not read when streamed; the platform is set."""

    async def posts() -> tuple[httpx2.Response, httpx2.Response]:
        sdk = client()
        plain = await sdk.post("/chat/completions", cast_to=httpx2.Response, body=body("a"))
        streamed: Any = await sdk.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body=body("a", stream=True),
            stream=True,
            stream_cls=openai.AsyncStream[Any],
        )
        assert isinstance(streamed, httpx2.Response)
        return plain, streamed

    plain, streamed = asyncio.run(posts())
    assert plain.is_closed
    assert plain.json()["object"] == "chat.completion"
    assert not streamed.is_closed
    assert not streamed.is_stream_consumed
    asyncio.run(streamed.aclose())

    async def made() -> openai.AsyncOpenAI:
        return shared_client(Endpoint(offline=True))

    sdk = run_sync(made())
    assert sdk is run_sync(made())
    assert sdk._platform is not None
    assert sdk.platform_headers()["X-Stainless-OS"]


def connection(url: str) -> http.client.HTTPConnection:
    """A connection of the standard library's client."""
    address = urlsplit(url)
    return http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)


def test_server_keeps_connections_and_refuses_politely(serve: Callable[..., str]) -> None:
    """One connection serves many requests; what is wrong gets its status and OpenAI's error format."""
    link = connection(serve())
    good = json.dumps(body("Hello"))
    cases: list[tuple[str, str, str | bytes | None, int]] = [
        ("GET", "/v1/models", None, 200),
        ("POST", "/v1/chat/completions?x=1", good, 200),
        ("GET", "/v1/chat/completions", None, 405),
        ("POST", "/v1/embeddings", good, 404),
        ("POST", "/v1/chat/completions", "{", 400),
        ("POST", "/v1/chat/completions", "[]", 400),
        ("POST", "/v1/chat/completions", '{"model": "m"}', 400),
        ("POST", "/v1/chat/completions", '{"model": "m", "messages": [{"role": "boss"}]}', 400),
        ("POST", "/v1/chat/completions", b"\xff", 400),
        ("POST", "/v1/chat/completions", good, 200),
    ]
    link.connect()
    socket = link.sock
    for method, path, content, status in cases:
        link.request(method, path, content, {"Content-Type": "application/json"})
        response = link.getresponse()
        data = json.loads(response.read())
        assert response.status == status
        assert ("error" in data) == (status != 200)
        assert link.sock is socket
    link.close()


def test_server_streams_in_chunks(serve: Callable[..., str]) -> None:
    """A stream has no length and ends with `[DONE]`."""
    link = connection(serve())
    link.request("POST", "/v1/chat/completions", json.dumps(body("Hello", stream=True)))
    response = link.getresponse()
    assert response.getheader("transfer-encoding") == "chunked"
    assert response.getheader("content-type", "").startswith("text/event-stream")
    assert response.read().endswith(b"data: [DONE]\n\n")
    link.close()


def test_server_limits_requests(serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A body over the limit is refused with 413, and what is no HTTP with 400."""
    monkeypatch.setattr(server_module, "MOST_BYTES", 100)
    url = serve()
    link = connection(url)
    link.request("POST", "/v1/chat/completions", json.dumps(body("x" * 200)))
    assert link.getresponse().status == 413
    link.close()
    link = connection(url)
    link.connect()
    link.sock.sendall(b"hello there\r\n\r\n")
    assert link.sock.recv(100).startswith(b"HTTP/1.1 400 ")
    link.close()


def test_server_and_transport_answer_alike(
    serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same question gets the same answer and the same tokens over HTTP and in the process."""
    over_http = ask(OpenAIChat("m", base_url=serve()), question(stream=True))
    monkeypatch.setenv("AGNO_LITE_OFFLINE", "1")
    assert ask(OpenAIChat("m"), question()) == over_http


def test_busy_port_is_named(serve: Callable[..., str]) -> None:
    """A port that is taken is a configuration error that names it."""
    port = urlsplit(serve()).port
    assert port
    with pytest.raises(ConfigurationError, match=f"127.0.0.1:{port}.*another --port"):
        serve_model("127.0.0.1", port)


def test_ctrl_c_ends_the_server_quietly() -> None:
    """`serve` tells its address once it listens, answers, and ends without a traceback on Ctrl-C."""
    code = """
        from agno_lite.models.offline.server import serve
        serve(latency=0, ready=lambda url: print(url, flush=True))
    """
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        link = connection(url)
        link.request("GET", "/v1/models")
        assert json.loads(link.getresponse().read())["object"] == "list"
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=30) == ("", "")
        assert child.returncode == 0
        link.close()
