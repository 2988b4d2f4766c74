"""OpenAIChat on real connections: what it sends, what it reads, what it says when that fails."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import textwrap
import warnings
from contextlib import aclosing
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_lite.exceptions import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelRateLimitError,
    ModelResponseError,
)
from agno_lite.models.base import ContentDelta, ModelRequest, ModelResponse
from agno_lite.models.message import Message, ToolCall
from agno_lite.models.offline import Fault, OfflineModel, OfflineTransport
from agno_lite.models.openai import OpenAIChat
from agno_lite.models.openai.sse import event_data
from agno_lite.tracing import Span, add_watcher, remove_watcher, semconv
from agno_lite.utils.aio import run_sync
from tests.models.conftest import Scripted, ask, collect, http, question

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

KEY = "sk-very-secret"
GOOD: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "gpt-4o-2024",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
}


def chat(url: str, **settings: Any) -> OpenAIChat:
    """A model at a test server."""
    return OpenAIChat("gpt-4o-mini", base_url=url, api_key=KEY, **settings)


def sse(*events: Any) -> bytes:
    """Events as a server sends them; text goes out as it is."""
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """One chunk of a streamed completion."""
    return {"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}


def stream_reply(body: bytes) -> bytes:
    """An HTTP response that streams events and ends with its connection."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + body


def sent(server: Scripted, number: int = 0) -> tuple[str, dict[str, Any]]:
    """Headers in lower case and JSON body of a request that a scripted server got."""
    head, _, body = server.requests[number].partition(b"\r\n\r\n")
    return head.decode().lower(), json.loads(body)


def test_request_is_that_of_chat_completions(scripted: Callable[..., Scripted]) -> None:
    """Messages, tools, settings and headers go out in OpenAI's format, and nothing that was not set."""
    server = scripted(http(json.dumps(GOOD).encode()))
    model = chat(
        server.url, temperature=0.5, stop=["x"], extra_headers={"X-Team": "blue"}, organization="org"
    )
    call = ToolCall("call_1", "add", '{"a": 1}')
    ask(
        model,
        ModelRequest(
            messages=(
                Message("system", "Be kind."),
                Message("user", "1 + 1?"),
                Message("assistant", None, (call,)),
                Message("tool", "2", tool_call_id="call_1", name="add"),
            ),
            tools=({"name": "add", "description": "Add.", "parameters": {"type": "object"}, "strict": True},),
        ),
    )
    head, body = sent(server)
    function = {"name": "add", "description": "Add.", "parameters": {"type": "object"}, "strict": True}
    assert body == {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "developer", "content": "Be kind."},
            {"role": "user", "content": "1 + 1?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
                ],
            },
            {"role": "tool", "content": "2", "tool_call_id": "call_1"},
        ],
        "tools": [{"type": "function", "function": function}],
        "temperature": 0.5,
        "stop": ["x"],
    }
    assert head.startswith("post /v1/chat/completions ")
    assert f"authorization: bearer {KEY}" in head
    assert "x-team: blue" in head
    assert "openai-organization: org" in head


def test_role_map_and_usage_request(scripted: Callable[..., Scripted]) -> None:
    """Roles follow `role_map`, and a stream asks for the usage."""
    server = scripted(stream_reply(sse(chunk({"content": "a"}, "stop"), "[DONE]")))
    ask(chat(server.url, role_map={}), ModelRequest(messages=(Message("system", "x"),), stream=True))
    body = sent(server)[1]
    assert body["messages"][0]["role"] == "system"
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_whole_answer_is_read(scripted: Callable[..., Scripted]) -> None:
    """Text, reason, usage and model come from the completion, whether or not a stream was asked for."""
    for stream in (False, True):
        server = scripted(http(json.dumps(GOOD).encode()))
        response = ask(chat(server.url), question(stream=stream))
        assert (response.message.content, response.finish_reason, response.model) == (
            "Hi.",
            "stop",
            "gpt-4o-2024",
        )
        assert (response.usage.input_tokens, response.usage.output_tokens) == (7, 2)


def test_streamed_answer_is_put_together(scripted: Callable[..., Scripted]) -> None:
    """Text pieces come as deltas; tool calls in fragments and the last usage chunk end in the response."""

    def part(index: int, **call: Any) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": index, **call}]})

    server = scripted(
        stream_reply(
            sse(
                chunk({"role": "assistant", "content": ""}),
                chunk({"content": "Let "}),
                chunk({"content": "me."}),
                part(0, id="c0", function={"name": "add", "arguments": ""}),
                part(1, id="c1", function={"name": "sub", "arguments": "{"}),
                part(0, function={"arguments": '{"a"'}),
                part(0, function={"arguments": ": 1}"}),
                part(1, function={"arguments": "}"}),
                chunk({}, "tool_calls"),
                {"model": "m", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
                "[DONE]",
            )
        )
    )
    pieces = run_sync(collect(chat(server.url), question(stream=True)))
    assert pieces[:-1] == [ContentDelta("Let "), ContentDelta("me.")]
    response = pieces[-1]
    assert isinstance(response, ModelResponse)
    assert response.message == Message(
        "assistant", "Let me.", (ToolCall("c0", "add", '{"a": 1}'), ToolCall("c1", "sub", "{}"))
    )
    assert (response.finish_reason, response.usage.total_tokens) == ("tool_calls", 7)


@given(
    texts=st.lists(st.text(alphabet="aé€😀:\t ", min_size=1), min_size=1, max_size=5),
    end=st.sampled_from(["\n", "\r", "\r\n"]),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_events_survive_any_split(texts: list[str], end: str, cuts: list[int]) -> None:
    """Events are the same at whatever bytes the stream is split, with every kind of line end."""
    body = f": hello{end}{end}" + "".join(f"event: x{end}data: {text}{end}data:2{end}{end}" for text in texts)
    raw = body.encode()
    places = sorted({min(cut, len(raw)) for cut in cuts} | {0, len(raw)})

    async def pieces() -> AsyncIterator[bytes]:
        for start, stop in pairwise(places):
            yield raw[start:stop]

    async def read() -> list[str]:
        return [data async for data in event_data(pieces())]

    assert asyncio.run(read()) == [f"{text}\n2" for text in texts]


STATUS_CASES = [
    (401, ModelAuthenticationError, "OPENAI_API_KEY", 1),
    (403, ModelAuthenticationError, "may use this model", 1),
    (404, ModelResponseError, "'gpt-4o-mini'", 1),
    (400, ModelResponseError, "does not accept", 1),
    (429, ModelRateLimitError, "retries are used up", 3),
    (500, ModelResponseError, "try again later", 3),
]


@pytest.mark.parametrize(("status", "kind", "words", "requests"), STATUS_CASES)
@pytest.mark.parametrize("stream", [False, True])
def test_status_errors(
    serve: Callable[..., str], status: int, kind: type[ModelError], words: str, requests: int, stream: bool
) -> None:
    """Each status becomes its error, with status and remedy, after the SDK's retries where they help."""
    faults = [Fault(status=status, retry_after=0.01)] * requests
    with pytest.raises(kind, match=words) as caught:
        ask(chat(serve(*faults)), question(stream=stream))
    assert type(caught.value) is kind
    assert caught.value.status_code == status
    assert str(status) in str(caught.value)


def test_retries_end_at_the_first_good_answer(serve: Callable[..., str]) -> None:
    """Two refusals are retried, and `max_retries` says how often."""
    refused = [Fault(status=429, retry_after=0.01), Fault(status=503, retry_after=0.01)]
    assert ask(chat(serve(*refused))).finish_reason == "stop"
    with pytest.raises(ModelRateLimitError):
        ask(chat(serve(*refused), max_retries=0))


UNUSABLE = [
    b"",
    b"<html>Welcome</html>",
    b"[1]",
    b'"text"',
    b"null",
    b"{}",
    b'{"choices": []}',
    b'{"choices": {"a": 1}}',
    b'{"choices": ["text"]}',
    b'{"choices": [{}]}',
    b'{"choices": [{"message": 1}]}',
    b'{"choices": [{"message": {"content": 7}}]}',
    b'{"choices": [{"message": {"tool_calls": [{"id": "a"}]}}]}',
    b'{"choices": [{"message": {"tool_calls": "all"}}]}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", UNUSABLE)
def test_answers_that_are_no_completions(scripted: Callable[..., Scripted], body: bytes) -> None:
    """Nonsense with status 200 is named, with what was expected, what came and what to check."""
    with pytest.raises(ModelResponseError, match=r"expected .+, got .+\. Check that the base URL"):
        ask(chat(scripted(http(body)).url))


def test_error_object_with_status_200(scripted: Callable[..., Scripted]) -> None:
    """An error description in a good response, whole or in a stream, is an error."""
    error = {"error": {"message": "quota exhausted", "type": "x"}}
    with pytest.raises(ModelResponseError, match="quota exhausted"):
        ask(chat(scripted(http(json.dumps(error).encode())).url))
    with pytest.raises(ModelResponseError, match="quota exhausted"):
        ask(chat(scripted(stream_reply(sse(chunk({"content": "a"}), error))).url), question(stream=True))


@pytest.mark.parametrize(
    "events",
    [sse("{nonsense"), sse({"choices": 1}), sse([1]), sse(chunk({"content": 1})), b"data: \xff\n\n"],
)
def test_events_that_are_no_chunks(scripted: Callable[..., Scripted], events: bytes) -> None:
    """Nonsense within a stream is an unusable answer."""
    with pytest.raises(ModelResponseError, match="cannot be used: expected"):
        ask(chat(scripted(stream_reply(events)).url), question(stream=True))


@pytest.mark.parametrize("pieces", [0, 1, 4])
@pytest.mark.parametrize("stream", [False, True])
def test_cut_answers(serve: Callable[..., str], pieces: int, stream: bool) -> None:
    """A connection that breaks within the answer is a connection error, and never half an answer."""
    with pytest.raises(ModelConnectionError, match=r"127\.0\.0\.1:\d+"):
        ask(chat(serve(*[Fault(cut_after=pieces)] * 3), max_retries=0), question(stream=stream))


def test_stream_that_ends_without_a_reason(scripted: Callable[..., Scripted]) -> None:
    """A stream that ends in good order before the model has finished is cut, too."""
    server = scripted(stream_reply(sse(chunk({"content": "half"}))))
    with pytest.raises(ModelConnectionError, match="ended early"):
        ask(chat(server.url), question(stream=True))


def test_nobody_listens() -> None:
    """A refused connection names the address and where it is set."""
    with pytest.raises(ModelConnectionError, match=r"127\.0\.0\.1:9 cannot be reached.*OPENAI_BASE_URL"):
        ask(chat("http://127.0.0.1:9/v1", max_retries=0))


@pytest.mark.parametrize("stream", [False, True])
def test_time_out(scripted: Callable[..., Scripted], stream: bool) -> None:
    """A service that is silent for longer than `timeout` is a connection error that names the setting."""
    half = stream_reply(sse(chunk({"content": "a"}))) if stream else b""
    server = scripted(half, hang_up=False)
    with pytest.raises(ModelConnectionError, match=r"did not answer in time.*`timeout`"):
        ask(chat(server.url, timeout=0.05, max_retries=0), question(stream=stream))


def test_addresses_that_are_none() -> None:
    """A base URL that is no URL, and one of another protocol, say so."""
    with pytest.raises(ConfigurationError, match="base_url"):
        ask(chat("http://host:port/v1"))
    with pytest.raises(ModelConnectionError, match="base_url"):
        ask(chat("ftp://127.0.0.1/v1", max_retries=0))


def test_secrets_stay_out_of_errors(scripted: Callable[..., Scripted], serve: Callable[..., str]) -> None:
    """No message, cause or representation shows a key, a password or a header, even if the service does."""
    echo = json.dumps({"error": {"message": f"bad key {KEY}, password hunter2, header blue-header"}}).encode()
    replies = [http(echo, status="401 Unauthorized"), http(echo), http(f"no JSON: {KEY}".encode())]
    server = scripted(*replies)
    url = server.url.replace("http://", "http://user:hunter2@")
    model = chat(url, extra_headers={"X-Token": "blue-header"}, max_retries=0)
    for _ in replies:
        with pytest.raises(ModelError) as caught:
            ask(model)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        for secret in (KEY, "hunter2", "blue-header"):
            assert secret not in str(caught.value)
    for secret in (KEY, "hunter2", "blue-header"):
        assert secret not in repr(model) + model.describe()


def test_key_that_no_header_can_carry() -> None:
    """A key with a line break or other alphabets is refused before anything is sent, unseen."""
    for key in ("sk-1\nX: y", "sk-ключ", "sk 1"):
        with pytest.raises(ConfigurationError, match="API key cannot be sent") as caught:
            ask(OpenAIChat(api_key=key))
        assert key not in str(caught.value)


def test_one_model_serves_loops_and_threads_in_turn(serve: Callable[..., str]) -> None:
    """Two event loops in turn, many at once, and sync code inside a running loop share one client."""
    model = chat(serve())

    async def many() -> int:
        return len(await asyncio.gather(*(collect(model, question()) for _ in range(10))))

    async def sync_within() -> ModelResponse:
        return ask(model)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [asyncio.run(many()) for _ in range(2)] == [10, 10]
        assert asyncio.run(sync_within()).finish_reason == "stop"
        gc.collect()


def test_leaving_a_stream_closes_the_connection(scripted: Callable[..., Scripted]) -> None:
    """A reader that stops, or is cancelled, in mid-stream hangs up at once."""
    for cancel in (False, True):
        server = scripted(stream_reply(sse(chunk({"content": "a"}))), hang_up=False)

        async def leave(url: str, cancel: bool) -> None:
            got = asyncio.Event()

            async def read() -> None:
                async with aclosing(chat(url).answer(question(stream=True))) as pieces:  # type: ignore[type-var]
                    async for _ in pieces:
                        got.set()
                        if not cancel:
                            return

            reading = asyncio.create_task(read())
            await got.wait()
            if cancel:
                reading.cancel()
            await asyncio.wait([reading])

        asyncio.run(leave(server.url, cancel))
        assert server.left.wait(5)


def test_streams_leave_their_connection_usable(scripted: Callable[..., Scripted]) -> None:
    """The next question goes over the connection of a stream that was read to its end."""
    events = sse(chunk({"content": "a"}, "stop"), "[DONE]")
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    reply = head + f"{len(events):x}\r\n".encode() + events + b"\r\n0\r\n\r\n"
    server = scripted(reply, reply, hang_up=False)
    for _ in range(2):
        assert ask(chat(server.url), question(stream=True)).message.content == "a"
    assert server.connections == 1


def test_stream_that_stays_open_after_its_end(scripted: Callable[..., Scripted]) -> None:
    """A service that leaves the connection open after `[DONE]` does not hold up the answer."""
    server = scripted(stream_reply(sse(chunk({"content": "a"}, "stop"), "[DONE]")), hang_up=False)
    assert ask(chat(server.url), question(stream=True)).message.content == "a"


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    """Spans that ended while the test ran."""

    class Recorder:
        def __init__(self) -> None:
            self.ended: list[Span] = []

        def on_start(self, span: Span) -> None:
            pass

        def on_end(self, span: Span) -> None:
            self.ended.append(span)

    recorder = Recorder()
    add_watcher(recorder)
    yield recorder.ended
    remove_watcher(recorder)


def test_each_answer_is_a_span(serve: Callable[..., str], spans: list[Span]) -> None:
    """The span tells provider, model, reason and usage, and keeps the error of an answer that failed."""
    model = chat(serve(Fault(), Fault(status=401)))
    ask(model, question(stream=True))
    with pytest.raises(ModelAuthenticationError):
        ask(model)
    good, bad = spans
    assert (good.kind, good.name) == (semconv.CHAT, "chat gpt-4o-mini")
    assert good.attributes[semconv.PROVIDER_NAME] == "openai"
    assert good.attributes[semconv.REQUEST_MODEL] == "gpt-4o-mini"
    assert good.attributes[semconv.RESPONSE_FINISH_REASONS] == ["stop"]
    assert good.attributes[semconv.USAGE_INPUT_TOKENS] > 0
    assert good.attributes[semconv.USAGE_OUTPUT_TOKENS] > 0
    assert good.attributes[semconv.OFFLINE] is False
    assert isinstance(bad.error, ModelAuthenticationError)


def test_offline_answers_are_marked(monkeypatch: pytest.MonkeyPatch, spans: list[Span]) -> None:
    """The span of an answer by the built-in model says that it is one."""
    monkeypatch.setenv("AGNO_LITE_OFFLINE", "1")
    assert ask(OpenAIChat("gpt-4o-mini")).model == "gpt-4o-mini"
    assert spans[0].attributes[semconv.OFFLINE] is True


def test_import_and_construction_are_light() -> None:
    """Importing and making a model loads neither the SDK nor an HTTP client; no process is left unclean."""
    code = """
        import sys
        from agno_lite.models.openai import OpenAIChat
        from agno_lite.models.openai.chat import OpenAIChat as same
        assert OpenAIChat is same
        model = OpenAIChat("gpt-4o-mini", temperature=1)
        assert not {"openai", "httpx2", "pydantic", "h11"} & set(sys.modules)

        import asyncio
        from agno_lite.models.base import ModelRequest
        from agno_lite.models.message import Message

        async def ask():
            return [piece async for piece in model.answer(ModelRequest(messages=(Message("user", "Hi"),)))]

        print(asyncio.run(ask())[-1].message.content)
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"AGNO_LITE_OFFLINE": "1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Hello")


def test_own_http_client(serve: Callable[..., str]) -> None:
    """A given HTTP client carries the requests: here one on an offline model that fails as it is told to."""
    transport = OfflineTransport(OfflineModel(latency=0, faults=[Fault(status=401)]))
    model = OpenAIChat(http_client=httpx2.AsyncClient(transport=transport))
    with pytest.raises(ModelAuthenticationError, match="401"):
        ask(model)
    assert ask(model).finish_reason == "stop"
