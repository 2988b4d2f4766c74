"""What the runtime asks of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agno_lite.models.message import Message


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer, as the model counts them."""

    input_tokens: int = 0
    """Tokens of the request."""
    output_tokens: int = 0
    """Tokens of the answer."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    @property
    def total_tokens(self) -> int:
        """Tokens of request and answer."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One question to a model."""

    messages: tuple[Message, ...]
    """The conversation, oldest first."""
    tools: tuple[dict[str, Any], ...] = ()
    """Function tools on offer: `{"name", "description", "parameters": <JSON schema>, "strict": bool}`."""
    stream: bool = False
    """Whether the answer shall come in pieces."""


@dataclass(frozen=True, slots=True)
class ContentDelta:
    """A piece of an answer's text, while it is streamed."""

    content: str
    """The text that came since the last piece; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResponse:
    """A whole answer."""

    message: Message
    """The assistant's message: text, tool calls, or both."""
    finish_reason: str
    """Why the model stopped: `stop`, `tool_calls`, `length`, `content_filter`."""
    usage: Usage = field(default_factory=Usage)
    """What it cost."""
    model: str = ""
    """The model that answered, as it names itself."""


class Model(ABC):
    """A chat model. Instances hold configuration only and may serve any number of runs at once."""

    id: str
    """Name of the model at its provider."""
    provider: str
    """OpenTelemetry's name of the provider, for example `openai`."""

    @abstractmethod
    def answer(self, request: ModelRequest) -> AsyncIterator[ContentDelta | ModelResponse]:
        """Ask the model.

        Each request is made inside a `tracing.span(semconv.CHAT, …)`: that is how watchers see it, and how
        evaluations count it.

        Yields:
            With `request.stream` the text in pieces as it arrives; always, last, the whole response.

        Raises:
            ModelError: no usable answer came; the subclass says why.
        """

    @abstractmethod
    def describe(self) -> str:
        """Which model answers from where and how to use another: part of the line that a run prints first.

        Raises:
            ConfigurationError: no model can be reached with the settings at hand.
        """
