"""The agent: configuration, and the face of the run loop."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload
from uuid import uuid4

from agno_lite.exceptions import ConfigurationError, ToolError
from agno_lite.memory.manager import DEFAULT_USER, MemoryManager
from agno_lite.models.openai.chat import OpenAIChat
from agno_lite.run.agent import RunContentEvent
from agno_lite.run.loop import RunCall, execute, stream_run
from agno_lite.run.prompt import SECTIONS
from agno_lite.run.unread import Unread
from agno_lite.tools.function import Function
from agno_lite.utils.aio import iterate_sync, run_sync

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence

    from agno_lite.db.base import BaseDb
    from agno_lite.db.schemas import UserMemory
    from agno_lite.models.base import Model
    from agno_lite.run.agent import BaseRunEvent, RunOutput
    from agno_lite.run.prompt import Section


class Agent:
    """A model with instructions, tools, sessions and memories.

    An agent holds configuration only. Nothing of a run is kept on it, so that one object serves any
    number of users and runs at once.

    Args:
        model: the model that answers; `OpenAIChat()` if none is given.
        name: what the agent is called.
        id: its id in the database; made from the name if it is not given.
        role: what the agent is for, in a few words.
        description: what the agent is told about itself, at the head of its instructions.
        instructions: what the agent is told to do: a text, or a list of which each becomes a line.
        system_message: the whole system message; every other part of it is then left out, memories too.
        expected_output: what an answer shall look like.
        additional_context: text that stands after the instructions.
        markdown: whether the model is asked to write Markdown.
        add_datetime_to_context: whether the model is told the date and time.
        add_name_to_context: whether the model is told its name.
        tools: functions that the model may call; their signature and docstring describe them to it.
        max_rounds: how many model requests a run may make before it is stopped.
        db: where sessions, runs and memories are kept; nothing is kept without one.
        memory_manager: what takes memories from what users say; made from `model` and `db` if not given.
        update_memory_on_run: whether the user's memories are updated by what the user says in each run.
        add_memories_to_context: whether the user's memories are put into the system message; if not said,
            they are where the agent keeps memories.
        add_history_to_context: whether earlier runs of the session are sent along.
        num_history_runs: how many of them, the last ones.
        user_id: whose runs they are if a run does not say.
        session_id: which session runs belong to if a run does not say; each then gets a fresh one.

    Raises:
        ConfigurationError: settings that contradict each other; the message says which.
    """

    __slots__ = (
        "add_datetime_to_context",
        "add_history_to_context",
        "add_memories_to_context",
        "add_name_to_context",
        "additional_context",
        "db",
        "description",
        "expected_output",
        "id",
        "instructions",
        "markdown",
        "max_rounds",
        "memory_manager",
        "model",
        "name",
        "num_history_runs",
        "role",
        "session_id",
        "system_message",
        "tools",
        "update_memory_on_run",
        "user_id",
    )

    sections: ClassVar[tuple[Section, ...]] = SECTIONS
    """What the system message is made of."""
    members: Sequence[Agent] = ()
    """Who can be given tasks: only a `Team` has any."""
    stream_member_events: bool = True
    """Whether a run streamed with all events gives those of members too."""
    show_members_responses: bool = False
    """Whether `print_response` prints what members answered."""

    def __init__(
        self,
        *,
        model: Model | None = None,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 - Agno's name
        role: str | None = None,
        description: str | None = None,
        instructions: str | Sequence[str] | None = None,
        system_message: str | None = None,
        expected_output: str | None = None,
        additional_context: str | None = None,
        markdown: bool = False,
        add_datetime_to_context: bool = False,
        add_name_to_context: bool = False,
        tools: Sequence[Callable[..., Any] | Function] = (),
        max_rounds: int = 20,
        db: BaseDb | None = None,
        memory_manager: MemoryManager | None = None,
        update_memory_on_run: bool = False,
        add_memories_to_context: bool | None = None,
        add_history_to_context: bool = False,
        num_history_runs: int = 3,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> None:
        self.model = model or OpenAIChat()
        self.name = name
        self.id = id or _slug(name) or _slug(type(self).__name__)
        self.role = role
        self.description = description
        self.instructions = instructions
        self.system_message = system_message
        self.expected_output = expected_output
        self.additional_context = additional_context
        self.markdown = markdown
        self.add_datetime_to_context = add_datetime_to_context
        self.add_name_to_context = add_name_to_context
        self.tools = tools
        self.max_rounds = max_rounds
        self.db = db or (memory_manager.db if memory_manager else None)
        self.memory_manager = memory_manager
        self.update_memory_on_run = update_memory_on_run
        self.add_memories_to_context = add_memories_to_context
        self.add_history_to_context = add_history_to_context
        self.num_history_runs = num_history_runs
        self.user_id = user_id
        self.session_id = session_id
        self._check()

    def _check(self) -> None:
        """Refuse settings that would silently do nothing."""
        wanted = [
            name
            for name in ("update_memory_on_run", "add_memories_to_context", "add_history_to_context")
            if getattr(self, name)
        ]
        if wanted and self.db is None:
            raise ConfigurationError(
                f"{type(self).__name__}: {wanted[0]}=True needs a database, got db=None; pass "
                "db=PostgresDb(), or db=InMemoryDb() to keep things until the process ends"
            )
        manager = self.memory_manager
        if manager is not None and manager.db is not None and manager.db is not self.db:
            raise ConfigurationError(
                f"{type(self).__name__}: memory_manager has a database of its own: memories would be written "
                "there and not read from there; give both the same db, or only one of them any"
            )

    @property
    def reads_memories(self) -> bool:
        """Whether the user's memories are put into the system message."""
        if self.add_memories_to_context is None:
            return self.db is not None and (self.update_memory_on_run or self.memory_manager is not None)
        return self.add_memories_to_context

    @property
    def memories(self) -> MemoryManager:
        """The memory manager that runs use: the one given, completed with this agent's model and database."""
        given = self.memory_manager or MemoryManager()
        return given.completed(model=self.model, db=self.db)

    @property
    def memory_keeper(self) -> Agent | None:
        """Whose memory manager hears what the user says in a run; `None` if nobody's."""
        return self if self.update_memory_on_run else None

    def functions(self) -> tuple[Function, ...]:
        """The tools as the model is told of them.

        Raises:
            ToolError: one of them cannot be described, or two have the same name.
        """
        return checked_functions(self.tools)

    def functions_in(self, call: RunCall) -> tuple[Function, ...]:  # noqa: ARG002 - a team's know their run
        """The functions that the model may call in a run.

        Raises:
            ToolError: one of them cannot be described, or two have the same name.
        """
        return self.functions()

    @overload
    def run(
        self,
        input: str,
        *,
        stream: Literal[False] = ...,
        stream_events: bool = ...,
        user_id: str | None = ...,
        session_id: str | None = ...,
        run_id: str | None = ...,
    ) -> RunOutput: ...

    @overload
    def run(
        self,
        input: str,
        *,
        stream: Literal[True],
        stream_events: bool = ...,
        user_id: str | None = ...,
        session_id: str | None = ...,
        run_id: str | None = ...,
    ) -> Iterator[BaseRunEvent]: ...

    def run(
        self,
        input: str,  # noqa: A002 - Agno's name
        *,
        stream: bool = False,
        stream_events: bool = False,
        user_id: str | None = None,
        session_id: str | None = None,
        run_id: str | None = None,
    ) -> RunOutput | Iterator[BaseRunEvent]:
        """Answer a user. `arun` for code without an event loop of its own; works inside one too.

        Args:
            input: what the user says.
            stream: whether to give an iterator of events as they happen, in place of the output.
            stream_events: with `stream`, whether all events are given or only the pieces of the answer.
            user_id: who says it; `"default"` if neither the run nor the agent names a user.
            session_id: the conversation it belongs to; a fresh one if neither names any.
            run_id: id of the run; storing a run again under its id replaces it.

        Raises:
            AgnoLiteError: a model, tool or database failed; the type says which.
        """
        call = self._call(input, stream=stream, user_id=user_id, session_id=session_id, run_id=run_id)
        if stream:
            return iterate_sync(_stream(call, Unread("run"), stream_events=stream_events))
        return run_sync(execute(call))

    @overload
    def arun(
        self,
        input: str,
        *,
        stream: Literal[False] = ...,
        stream_events: bool = ...,
        user_id: str | None = ...,
        session_id: str | None = ...,
        run_id: str | None = ...,
    ) -> Coroutine[Any, Any, RunOutput]: ...

    @overload
    def arun(
        self,
        input: str,
        *,
        stream: Literal[True],
        stream_events: bool = ...,
        user_id: str | None = ...,
        session_id: str | None = ...,
        run_id: str | None = ...,
    ) -> AsyncIterator[BaseRunEvent]: ...

    def arun(
        self,
        input: str,  # noqa: A002 - Agno's name
        *,
        stream: bool = False,
        stream_events: bool = False,
        user_id: str | None = None,
        session_id: str | None = None,
        run_id: str | None = None,
    ) -> Coroutine[Any, Any, RunOutput] | AsyncIterator[BaseRunEvent]:
        """Answer a user. Arguments and errors are those of `run`.

        Returns:
            Something to await for the output; with `stream`, something to iterate with `async for`.
            Neither does anything until then, and each warns if it is dropped before.
        """
        call = self._call(input, stream=stream, user_id=user_id, session_id=session_id, run_id=run_id)
        return _stream(call, Unread("arun"), stream_events=stream_events) if stream else execute(call)

    def print_response(
        self,
        input: str,  # noqa: A002 - Agno's name
        *,
        stream: bool = False,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> None:
        """Answer a user and print what happens: `aprint_response` for code without an event loop."""
        run_sync(self.aprint_response(input, stream=stream, user_id=user_id, session_id=session_id))

    async def aprint_response(
        self,
        input: str,  # noqa: A002 - Agno's name
        *,
        stream: bool = False,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> None:
        """Answer a user and print message, tool calls, answer and new memories.

        Args:
            input: what the user says.
            stream: whether to print the answer as it grows, where the output is a terminal.
            user_id: who says it; `"default"` if neither the run nor the agent names a user.
            session_id: the conversation it belongs to; a fresh one if neither names any.

        Raises:
            AgnoLiteError: a model, tool or database failed; the type says which.
        """
        from agno_lite.run.printing import print_run

        call = self._call(input, stream=stream, user_id=user_id, session_id=session_id, run_id=None)
        await print_run(call)

    def get_user_memories(self, user_id: str | None = None) -> list[UserMemory]:
        """What is remembered of a user, oldest first.

        Raises:
            ConfigurationError: the agent has no database.
        """
        return run_sync(self.aget_user_memories(user_id))

    async def aget_user_memories(self, user_id: str | None = None) -> list[UserMemory]:
        """What is remembered of a user, oldest first.

        Raises:
            ConfigurationError: the agent has no database.
        """
        return await self.memories.aget_user_memories(user_id or self.user_id or DEFAULT_USER)

    def _call(
        self,
        text: str,
        *,
        stream: bool,
        user_id: str | None,
        session_id: str | None,
        run_id: str | None,
    ) -> RunCall:
        """A run of this agent, with every id filled in."""
        return RunCall(
            agent=self,
            input=text,
            run_id=run_id or str(uuid4()),
            session_id=session_id or self.session_id or str(uuid4()),
            user_id=user_id or self.user_id or DEFAULT_USER,
            stream=stream,
            db=self.db,
        )


async def _stream(
    call: RunCall, unread: Unread, *, stream_events: bool
) -> AsyncGenerator[BaseRunEvent, None]:
    unread.read()
    async with aclosing(stream_run(call)) as events:
        async for event in events:
            own = event.run_id == call.run_id
            if stream_events:
                wanted = own or call.agent.stream_member_events
            else:
                wanted = own and isinstance(event, RunContentEvent)
            if wanted:
                yield event


def checked_functions(tools: Sequence[Callable[..., Any] | Function]) -> tuple[Function, ...]:
    """Tools as a model is told of them.

    Raises:
        ToolError: one of them cannot be described, or two have the same name.
    """
    functions = tuple(tool if isinstance(tool, Function) else Function.from_callable(tool) for tool in tools)
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise ToolError(
                f"two tools are called {name!r}, and a model could not tell them apart; rename one",
                tool_name=name,
            )
    return functions


def _slug(name: str | None) -> str:
    """A name as an id: lower case, words joined by hyphens."""
    return re.sub(r"[^\w]+", "-", (name or "").lower()).strip("-")
