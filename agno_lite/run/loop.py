"""The run loop. There is one: `run`, `arun` and their streamed forms all go through `execute`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from agno_lite.db.schemas import RunRecord, Turn
from agno_lite.exceptions import ModelResponseError, RunLimitError, ToolArgumentsError
from agno_lite.models.base import ContentDelta, ModelRequest, ModelResponse, Usage
from agno_lite.models.message import Message
from agno_lite.run import agent as events
from agno_lite.run.base import RunStatus
from agno_lite.run.messages import messages_before
from agno_lite.run.notice import announce
from agno_lite.run.steps import CallTools, next_step
from agno_lite.tools.function import Function, FunctionCall
from agno_lite.tracing import semconv, span

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from agno_lite.agent.agent import Agent
    from agno_lite.db.base import BaseDb
    from agno_lite.db.schemas import UserMemory
    from agno_lite.models.message import ToolCall


def _drop(event: events.BaseRunEvent) -> None:
    """Where events go when nobody asked for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCall:
    """What a run is asked to do."""

    agent: Agent
    """Whose run it is: an agent's or a team's."""
    input: str
    """What the user said; in a member's run the task that it was given."""
    run_id: str
    """Its id."""
    session_id: str
    """The session it belongs to."""
    user_id: str
    """Whose run it is."""
    stream: bool
    """Whether the model's answers are asked for in pieces."""
    db: BaseDb | None
    """Where it is kept: the agent's database; a member's run stands beside its team's."""
    parent_run_id: str | None = None
    """The team's run that it is a part of; `None` if the user asked for it."""
    memories: tuple[UserMemory, ...] | None = None
    """The user's memories as a run around this one has found them; `None` if none has looked."""
    emit: Callable[[events.BaseRunEvent], None] = _drop
    """Is told of every event as it happens; must not block."""

    @property
    def ids(self) -> events.EventIds:
        """What every event of the run carries."""
        return {
            "run_id": self.run_id,
            "session_id": self.session_id,
            "agent_id": self.agent.id,
            "agent_name": self.agent.name,
            "of_team": bool(self.agent.members),
            "parent_run_id": self.parent_run_id,
        }


@dataclass(slots=True)
class Conversation:
    """Progress of a run: the one record that changes while it goes on."""

    messages: list[Message]
    """Everything sent and received so far; only the question until what stands before it is loaded."""
    first: int = 0
    """Index of the question in `messages`: system message and history stand before it."""
    loaded: bool = False
    """Whether the database has been read."""
    tools: list[FunctionCall] = field(default_factory=list)
    """Tool calls so far."""
    usage: Usage = field(default_factory=Usage)
    """Tokens so far."""
    requests: int = 0
    """Model requests so far."""
    content: str | None = None
    """The answer, once there is one."""


async def execute(call: RunCall) -> events.RunOutput:
    """Carry out a run: load, ask, remember, store.

    The memory update goes on beside the answer and is awaited before the run ends. Whatever ends the
    run, what the user said is stored, and a memory update that has begun is finished.

    Raises:
        AgnoLiteError: a model, tool or database failed; the type says which.
    """
    started = time.perf_counter()
    with span(semconv.INVOKE_AGENT, call.agent.name or "", **_invocation(call)):
        announce(call.agent.model, call.db)
        call.emit(events.RunStartedEvent(**call.ids))
        conversation = Conversation([Message("user", call.input)])
        try:
            call = await _load(call, conversation)
            memories = await _answer_and_remember(call, conversation)
        except BaseException as error:
            cancelled = isinstance(error, (asyncio.CancelledError, KeyboardInterrupt))
            status = RunStatus.CANCELLED if cancelled else RunStatus.ERROR
            if cancelled or conversation.loaded:
                await _finish(_save(call, conversation, status, started))
            raise
        await _save(call, conversation, RunStatus.COMPLETED, started)
        output = _output(call, conversation, memories, started)
        call.emit(events.RunCompletedEvent(**call.ids, output=output))
        return output


async def stream_run(call: RunCall) -> AsyncGenerator[events.BaseRunEvent, None]:
    """Carry out a run in a task of its own and yield its events; closing early cancels the run."""
    queue: asyncio.Queue[events.BaseRunEvent | None] = asyncio.Queue()
    run = asyncio.create_task(execute(replace(call, emit=queue.put_nowait)))
    run.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (event := await queue.get()) is not None:
            yield event
        await run
    finally:
        if not run.done():
            run.cancel()
            await asyncio.wait([run])


def _invocation(call: RunCall) -> dict[str, Any]:
    """Attributes of a run's span."""
    return {
        "gen_ai__operation__name": semconv.INVOKE_AGENT,
        "gen_ai__agent__id": call.agent.id,
        "gen_ai__agent__name": call.agent.name,
        "gen_ai__conversation__id": call.session_id,
        "user__id": call.user_id,
        "agno_lite__run__id": call.run_id,
    }


async def _load(call: RunCall, conversation: Conversation) -> RunCall:
    """Put system message and history before the question; gives the call with the memories found."""
    turn = await _turn(call)
    before = messages_before(call.agent, turn)
    conversation.messages[:0] = before
    conversation.first = len(before)
    conversation.loaded = True
    return replace(call, memories=turn.memories) if call.db else call


async def _turn(call: RunCall) -> Turn:
    """Read history and memories: of a member's runs its own, else those that the user asked for.

    A member has the memories that its team has read. Whether it found those of this turn already, which are
    taken meanwhile, would be a matter of chance.
    """
    agent, known = call.agent, call.memories
    if call.db is None:
        return Turn()
    turn = await call.db.offload(
        call.db.load_turn,
        user_id=call.user_id,
        session_id=call.session_id,
        runs=agent.num_history_runs if agent.add_history_to_context else 0,
        memories=known is None and _reads_memories(agent),
        agent_id=agent.id if call.parent_run_id else None,
    )
    return turn if known is None else replace(turn, memories=known)


def _reads_memories(agent: Agent) -> bool:
    """Whether an agent or one of its members is told the user's memories."""
    return agent.reads_memories or any(map(_reads_memories, agent.members))


async def _answer_and_remember(call: RunCall, conversation: Conversation) -> tuple[UserMemory, ...]:
    """Answer the user, and update the user's memories at the same time where the agent keeps any.

    A member never does: what it is asked are its team's words. The team has offered it the user's.
    """
    keeper = None if call.parent_run_id else call.agent.memory_keeper
    if keeper is None:
        await _answer(call, conversation)
        return ()
    with span(semconv.TURN, concurrent=True):
        remembering = asyncio.create_task(_remember(call, keeper))
        try:
            await _answer(call, conversation)
        finally:
            # Gathering also takes note of a failed update's error: if the answer failed too, that is told.
            await _finish(asyncio.gather(remembering, return_exceptions=True))
        return remembering.result()


async def _remember(call: RunCall, keeper: Agent) -> tuple[UserMemory, ...]:
    call.emit(events.MemoryUpdateStartedEvent(**call.ids))
    changed = await keeper.memories.acreate_user_memories(
        call.input, user_id=call.user_id, agent_id=keeper.id
    )
    call.emit(events.MemoryUpdateCompletedEvent(**call.ids, memories=tuple(changed)))
    return tuple(changed)


async def _answer(call: RunCall, conversation: Conversation) -> None:
    """Ask the model, call the tools it wants, and ask again until it has answered."""
    tools = {tool.name: tool for tool in call.agent.functions_in(call)}
    with span(semconv.ANSWER):
        for _ in range(call.agent.max_rounds):
            response = await _ask(call, conversation, tools)
            step = next_step(response)
            if not isinstance(step, CallTools):
                conversation.content = step.content
                return
            await _call_tools(call, conversation, tools, step.calls)
    raise RunLimitError(
        f"agent {call.agent.name!r} asked its model {call.agent.max_rounds} times without an answer, "
        "each response called tools again; raise max_rounds, or see why the results do not satisfy it"
    )


async def _ask(call: RunCall, conversation: Conversation, tools: dict[str, Function]) -> ModelResponse:
    """One request to the model."""
    model = call.agent.model
    request = ModelRequest(
        messages=tuple(conversation.messages),
        tools=tuple(tool.definition() for tool in tools.values()),
        stream=call.stream,
    )
    call.emit(events.ModelRequestStartedEvent(**call.ids, model=model.id))
    response: ModelResponse | None = None
    # To its end, not only to the response: the model has then done all it does before anything else begins.
    async for piece in model.answer(request):
        if isinstance(piece, ContentDelta):
            call.emit(events.RunContentEvent(**call.ids, content=piece.content))
        else:
            response = piece
    if response is None:
        raise ModelResponseError(f"model {model.id!r} ended its answer without a response")
    conversation.messages.append(response.message)
    conversation.usage += response.usage
    conversation.requests += 1
    if not call.stream and response.message.content:
        call.emit(events.RunContentEvent(**call.ids, content=response.message.content))
    call.emit(
        events.ModelRequestCompletedEvent(**call.ids, model=response.model or model.id, usage=response.usage)
    )
    return response


async def _call_tools(
    call: RunCall, conversation: Conversation, tools: dict[str, Function], calls: tuple[ToolCall, ...]
) -> None:
    """Carry out the tool calls of one response at the same time; results keep the model's order."""
    with span(semconv.TOOL_CALLS, concurrent=len(calls) > 1):
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(_call_tool(call, tools, wanted)) for wanted in calls]
        except BaseExceptionGroup as failed:
            error = failed.exceptions[0]
            raise error from error.__cause__
    for task in tasks:
        done = task.result()
        conversation.tools.append(done)
        conversation.messages.append(
            Message("tool", done.result, tool_call_id=done.call.id, name=done.call.name)
        )


async def _call_tool(call: RunCall, tools: dict[str, Function], wanted: ToolCall) -> FunctionCall:
    """Carry out one call. What the model got wrong is told to the model, which may then do better."""
    call.emit(events.ToolCallStartedEvent(**call.ids, tool=wanted))
    tool = tools.get(wanted.name)
    if tool is None:
        offered = ", ".join(tools) or "none"
        done = FunctionCall(
            call=wanted, result=f"There is no tool {wanted.name!r}, only: {offered}.", failed=True
        )
    else:
        try:
            done = FunctionCall(call=wanted, result=await tool.call(wanted))
        except ToolArgumentsError as error:
            done = FunctionCall(call=wanted, result=str(error), failed=True)
    call.emit(events.ToolCallCompletedEvent(**call.ids, tool=done))
    return done


async def _finish(work: Awaitable[Any]) -> None:
    """Await something to its end, also while the run is being cancelled; then let it be cancelled."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    task.result()
    if cancelled is not None:
        raise cancelled


async def _save(call: RunCall, conversation: Conversation, status: RunStatus, started: float) -> None:
    if call.db is None:
        return
    record = RunRecord(
        run_id=call.run_id,
        session_id=call.session_id,
        user_id=call.user_id,
        agent_id=call.agent.id,
        parent_run_id=call.parent_run_id,
        status=status,
        input=call.input,
        content=conversation.content,
        messages=tuple(message.to_dict() for message in conversation.messages[conversation.first :]),
        metrics={
            "input_tokens": conversation.usage.input_tokens,
            "output_tokens": conversation.usage.output_tokens,
            "requests": conversation.requests,
            "duration": time.perf_counter() - started,
        },
    )
    await call.db.offload(call.db.save_run, record)


def _output(
    call: RunCall, conversation: Conversation, memories: tuple[UserMemory, ...], started: float
) -> events.RunOutput:
    return events.RunOutput(
        run_id=call.run_id,
        session_id=call.session_id,
        user_id=call.user_id,
        agent_id=call.agent.id,
        agent_name=call.agent.name,
        input=call.input,
        content=conversation.content or "",
        messages=tuple(conversation.messages),
        tools=tuple(conversation.tools),
        memories=memories,
        status=RunStatus.COMPLETED,
        metrics=events.RunMetrics(
            usage=conversation.usage,
            requests=conversation.requests,
            duration=time.perf_counter() - started,
        ),
    )
