"""The memory manager: asks a model which facts to keep of what a user said, and stores them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from agno_lite.db.schemas import MemoryChange, UserMemory
from agno_lite.exceptions import ConfigurationError, ModelResponseError
from agno_lite.memory.prompt import MEMORY_TOOLS, memory_system_message, offered_tools
from agno_lite.models.base import ModelRequest, ModelResponse
from agno_lite.models.message import Message
from agno_lite.tracing import semconv, span
from agno_lite.utils.aio import hop, run_sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.db.base import BaseDb
    from agno_lite.models.base import Model
    from agno_lite.models.message import ToolCall

DEFAULT_USER = "default"
"""Whose memories and sessions they are if nobody is named, as in Agno."""


class MemoryManager:
    """Keeps facts about users: extracts them from messages with a model, and stores them in a database.

    One object serves any number of users at once. Updates of one user's memories happen one after the
    other, whichever runs they come from.

    Args:
        model: the model that decides what to keep; an agent's manager takes the agent's if it has none.
        db: where memories are kept; an agent's manager takes the agent's if it has none.
        memory_capture_instructions: what is worth keeping, in place of the default text.
        additional_instructions: said to the model at the end of its instructions.
        add_memories: whether the model may add memories.
        update_memories: whether the model may change memories.
        delete_memories: whether the model may delete memories.
    """

    __slots__ = (
        "add_memories",
        "additional_instructions",
        "db",
        "delete_memories",
        "memory_capture_instructions",
        "model",
        "update_memories",
    )

    def __init__(
        self,
        model: Model | None = None,
        *,
        db: BaseDb | None = None,
        memory_capture_instructions: str | None = None,
        additional_instructions: str | None = None,
        add_memories: bool = True,
        update_memories: bool = True,
        delete_memories: bool = False,
    ) -> None:
        self.model = model
        self.db = db
        self.memory_capture_instructions = memory_capture_instructions
        self.additional_instructions = additional_instructions
        self.add_memories = add_memories
        self.update_memories = update_memories
        self.delete_memories = delete_memories

    def completed(self, *, model: Model, db: BaseDb | None) -> MemoryManager:
        """This manager, with a model and a database where it has none of its own."""
        return MemoryManager(
            self.model or model,
            db=self.db or db,
            memory_capture_instructions=self.memory_capture_instructions,
            additional_instructions=self.additional_instructions,
            add_memories=self.add_memories,
            update_memories=self.update_memories,
            delete_memories=self.delete_memories,
        )

    def get_user_memories(self, user_id: str = DEFAULT_USER) -> list[UserMemory]:
        """The user's memories, oldest first."""
        return run_sync(self.aget_user_memories(user_id))

    async def aget_user_memories(self, user_id: str = DEFAULT_USER) -> list[UserMemory]:
        """The user's memories, oldest first."""
        db = self._database()
        return await db.offload(db.get_user_memories, user_id=user_id)

    def add_user_memory(
        self, memory: str, *, topics: Sequence[str] = (), user_id: str = DEFAULT_USER
    ) -> UserMemory | None:
        """Store a fact as it is, without asking a model.

        Returns:
            The memory as stored; `None` if the user had it already.
        """
        added = MemoryChange(operation="add", memory=memory, topics=tuple(topics))
        stored = run_sync(self._change([added], user_id=user_id))
        return stored[0] if stored else None

    def replace_user_memory(
        self, memory_id: str, memory: str, *, topics: Sequence[str] = (), user_id: str = DEFAULT_USER
    ) -> UserMemory:
        """Give one of the user's memories a new text.

        Raises:
            OwnershipError: the user has no memory of that id.
        """
        change = MemoryChange(operation="update", memory_id=memory_id, memory=memory, topics=tuple(topics))
        return run_sync(self._change([change], user_id=user_id))[0]

    def delete_user_memory(self, memory_id: str, *, user_id: str = DEFAULT_USER) -> None:
        """Delete one of the user's memories.

        Raises:
            OwnershipError: the user has no memory of that id.
        """
        run_sync(self._change([MemoryChange(operation="delete", memory_id=memory_id)], user_id=user_id))

    def clear_user_memories(self, user_id: str = DEFAULT_USER) -> int:
        """Delete all memories of one user and say how many there were."""
        db = self._database()
        return run_sync(db.offload(db.clear_memories, user_id=user_id))

    def create_user_memories(
        self, message: str, *, user_id: str = DEFAULT_USER, agent_id: str | None = None
    ) -> list[UserMemory]:
        """Take facts from what a user said and store them. See `acreate_user_memories`."""
        return run_sync(self.acreate_user_memories(message, user_id=user_id, agent_id=agent_id))

    async def acreate_user_memories(
        self, message: str, *, user_id: str = DEFAULT_USER, agent_id: str | None = None
    ) -> list[UserMemory]:
        """Take facts from what a user said and store them: one model request, all changes or none.

        Args:
            message: the user's own words.
            user_id: whose words they are, and whose memories change.
            agent_id: the agent that heard them.

        Returns:
            The memories that were added or changed, as stored.

        Raises:
            ModelError: the model gave no usable answer.
            StorageError: the changes could not be stored.
        """
        return await hop(self._update(message, user_id=user_id, agent_id=agent_id))

    async def _update(self, message: str, *, user_id: str, agent_id: str | None) -> list[UserMemory]:
        """`acreate_user_memories`, on the background loop, where the locks are."""
        db = self._database()
        with span(semconv.UPDATE_MEMORY, user__id=user_id) as current:
            async with _lock(db, user_id):
                known = await db.offload(db.get_user_memories, user_id=user_id)
                changes = await self._decide(message, known)
                current.set(semconv.MEMORIES_CHANGED, [_summary(change) for change in changes])
                if not changes:
                    return []
                return await db.offload(
                    db.change_memories, changes, user_id=user_id, agent_id=agent_id, source=message
                )

    async def _decide(self, message: str, known: Sequence[UserMemory]) -> list[MemoryChange]:
        """Ask the model what to keep of a message."""
        request = ModelRequest(
            messages=(Message("system", memory_system_message(self, known)), Message("user", message)),
            tools=tuple(tool.definition() for tool in offered_tools(self)),
        )
        async for piece in self._extractor().answer(request):
            if isinstance(piece, ModelResponse):
                return [_change(call) for call in piece.message.tool_calls]
        raise ModelResponseError(
            "the model ended its answer without a response; use a model that keeps the interface of Model"
        )

    async def _change(self, changes: Sequence[MemoryChange], *, user_id: str) -> list[UserMemory]:
        db = self._database()
        return await db.offload(db.change_memories, changes, user_id=user_id)

    def _database(self) -> BaseDb:
        if self.db is None:
            raise ConfigurationError(
                "MemoryManager: expected a database to keep memories in, got db=None; "
                "pass db=PostgresDb(), or give the agent one"
            )
        return self.db

    def _extractor(self) -> Model:
        if self.model is None:
            raise ConfigurationError(
                "MemoryManager: expected a model to extract memories with, got model=None; "
                "pass model=OpenAIChat(...), or give the agent one"
            )
        return self.model


def _change(call: ToolCall) -> MemoryChange:
    """The change that a model asks for with a memory tool."""
    tool = MEMORY_TOOLS.get(call.name)
    if tool is None:
        raise ModelResponseError(
            f"the model called {call.name!r}, expected one of {', '.join(MEMORY_TOOLS)}; "
            "use a model that keeps to the tools it is offered"
        )
    change: MemoryChange = tool.entrypoint(**tool.arguments(call))
    return change


def _summary(change: MemoryChange) -> dict[str, str]:
    summary = {"operation": change.operation}
    if change.memory is not None:
        summary["memory"] = change.memory
    return summary


_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[tuple[str, str], asyncio.Lock]]
_locks = WeakKeyDictionary()


def _lock(db: BaseDb, user_id: str) -> asyncio.Lock:
    """The lock under which one user's memories in one database change; lives while somebody holds it."""
    locks = _locks.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    return locks.setdefault((db.describe(), user_id), asyncio.Lock())
