"""What comes out of a run: its output, and the events of a streamed one."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypedDict

from agno_lite.models.base import Usage
from agno_lite.run.base import RunStatus

if TYPE_CHECKING:
    from agno_lite.db.schemas import UserMemory
    from agno_lite.models.message import Message, ToolCall
    from agno_lite.tools.function import FunctionCall


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetrics:
    """What a run cost."""

    usage: Usage = field(default_factory=Usage)
    """Tokens of all its model requests but those of memory managers and members."""
    requests: int = 0
    """Number of its model requests, those of memory managers and members left out."""
    duration: float = 0.0
    """Seconds from its beginning to its end."""

    @property
    def total_tokens(self) -> int:
        """Tokens of requests and answers."""
        return self.usage.total_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutput:
    """A finished run."""

    run_id: str
    """Its id."""
    session_id: str
    """The session it belongs to."""
    user_id: str
    """Whose run it was."""
    agent_id: str
    """The agent or team that ran."""
    agent_name: str | None
    """Its name."""
    input: str
    """What the user said."""
    content: str
    """The answer."""
    messages: tuple[Message, ...]
    """What was sent and received: system message, history, question, tool rounds, answer."""
    tools: tuple[FunctionCall, ...]
    """Tool calls in the order that the model asked for them."""
    memories: tuple[UserMemory, ...]
    """Memories that this run added or changed."""
    status: RunStatus
    """How it ended."""
    metrics: RunMetrics
    """What it cost."""


class RunEvent(StrEnum):
    """Names of events; those of a team's run begin with `Team`."""

    run_started = "RunStarted"
    run_content = "RunContent"
    model_request_started = "ModelRequestStarted"
    model_request_completed = "ModelRequestCompleted"
    tool_call_started = "ToolCallStarted"
    tool_call_completed = "ToolCallCompleted"
    memory_update_started = "MemoryUpdateStarted"
    memory_update_completed = "MemoryUpdateCompleted"
    run_completed = "RunCompleted"


class EventIds(TypedDict):
    """What every event of one run carries."""

    run_id: str
    session_id: str
    agent_id: str
    agent_name: str | None
    of_team: bool
    parent_run_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseRunEvent:
    """Something that happened in a run of an agent or a team."""

    kind: ClassVar[RunEvent]
    """What happened."""
    run_id: str
    """The run."""
    session_id: str
    """Its session."""
    agent_id: str
    """The agent or team that runs."""
    agent_name: str | None = None
    """Its name."""
    of_team: bool = False
    """Whether it is a team that runs."""
    parent_run_id: str | None = None
    """In the run of a team's member: the team's run."""

    @property
    def event(self) -> str:
        """The event's name: `kind`, with `Team` before it where a team runs (`TeamRunContent`)."""
        return f"Team{self.kind}" if self.of_team else self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStartedEvent(BaseRunEvent):
    """The run began."""

    kind: ClassVar[RunEvent] = RunEvent.run_started


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContentEvent(BaseRunEvent):
    """A piece of the answer arrived."""

    kind: ClassVar[RunEvent] = RunEvent.run_content
    content: str
    """The text since the last piece."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequestStartedEvent(BaseRunEvent):
    """A question goes to the model."""

    kind: ClassVar[RunEvent] = RunEvent.model_request_started
    model: str
    """Which model is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequestCompletedEvent(BaseRunEvent):
    """The model's answer is whole."""

    kind: ClassVar[RunEvent] = RunEvent.model_request_completed
    model: str
    """Which model answered."""
    usage: Usage
    """Tokens of this request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallStartedEvent(BaseRunEvent):
    """A tool is called."""

    kind: ClassVar[RunEvent] = RunEvent.tool_call_started
    tool: ToolCall
    """What the model asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallCompletedEvent(BaseRunEvent):
    """A tool has given its result."""

    kind: ClassVar[RunEvent] = RunEvent.tool_call_completed
    tool: FunctionCall
    """The call and its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUpdateStartedEvent(BaseRunEvent):
    """The memory manager reads what the user said."""

    kind: ClassVar[RunEvent] = RunEvent.memory_update_started


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUpdateCompletedEvent(BaseRunEvent):
    """The memory manager is done."""

    kind: ClassVar[RunEvent] = RunEvent.memory_update_completed
    memories: tuple[UserMemory, ...]
    """Memories added or changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompletedEvent(BaseRunEvent):
    """The run ended well; always its last event."""

    kind: ClassVar[RunEvent] = RunEvent.run_completed
    output: RunOutput
    """All of it."""

    @property
    def content(self) -> str:
        """The answer."""
        return self.output.content
