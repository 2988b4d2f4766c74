"""What a memory manager says to its model: the instructions, and the tools it offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.db.schemas import MemoryChange
from agno_lite.tools.function import Function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.db.schemas import UserMemory
    from agno_lite.memory.manager import MemoryManager

ROLE = (
    "You keep the memories of one user of an assistant. Read the user's message and decide what of it "
    "should be remembered. You do not answer the user."
)
FORM = (
    'Write each fact as a statement of its own, in the third person, beginning with "User". '
    "Do not keep what is already among the existing memories."
)
CAPTURE = (
    "Who the user is: name, age, home, work, family.\n"
    "What the user likes, dislikes, plans and needs, where it will still matter in another conversation.\n"
    "Not: what is asked about, what is true of the world, what will not matter tomorrow."
)
"""What is worth keeping, if the manager does not say it."""


def add_memory(memory: str, topics: list[str] | None = None) -> MemoryChange:
    """Keep a new fact about the user.

    Args:
        memory: one fact, a short statement in the third person, such as "User plays the cello".
        topics: one or two words on what it is about.
    """
    return MemoryChange(operation="add", memory=memory, topics=tuple(topics or ()))


def update_memory(memory_id: str, memory: str, topics: list[str] | None = None) -> MemoryChange:
    """Replace a fact that is no longer true.

    Args:
        memory_id: id of the memory to replace.
        memory: the whole new statement.
        topics: one or two words on what it is about.
    """
    return MemoryChange(operation="update", memory_id=memory_id, memory=memory, topics=tuple(topics or ()))


def delete_memory(memory_id: str) -> MemoryChange:
    """Forget a fact that the user wants forgotten.

    Args:
        memory_id: id of the memory to delete.
    """
    return MemoryChange(operation="delete", memory_id=memory_id)


MEMORY_TOOLS = {
    function.__name__: Function.from_callable(function)
    for function in (add_memory, update_memory, delete_memory)
}
"""The tools of a memory manager by name. They change nothing themselves: each gives a `MemoryChange`."""


def offered_tools(manager: MemoryManager) -> tuple[Function, ...]:
    """The tools that a manager lets its model use."""
    allowed = {
        "add_memory": manager.add_memories,
        "update_memory": manager.update_memories,
        "delete_memory": manager.delete_memories,
    }
    return tuple(tool for name, tool in MEMORY_TOOLS.items() if allowed[name])


def memory_system_message(manager: MemoryManager, known: Sequence[UserMemory]) -> str:
    """The instructions of a memory manager for one message.

    Args:
        manager: its settings.
        known: what is already kept of the user.
    """
    tools = ", ".join(tool.name for tool in offered_tools(manager))
    parts = [
        ROLE,
        f"<memories_to_capture>\n{manager.memory_capture_instructions or CAPTURE}\n</memories_to_capture>",
        FORM,
        f"Decide by calling these tools, all in one response: {tools}. If nothing is worth it, call none.",
    ]
    if known:
        listed = "\n\n".join(f"ID: {memory.memory_id}\nMemory: {memory.memory}" for memory in known)
        parts.append(f"<existing_memories>\n{listed}\n</existing_memories>")
    if manager.additional_instructions:
        parts.append(manager.additional_instructions)
    return "\n\n".join(parts)
