"""Messages of a run: what is sent first, and what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agno_lite.models.message import Message
from agno_lite.run.prompt import build_system_message

if TYPE_CHECKING:
    from agno_lite.agent.agent import Agent
    from agno_lite.db.schemas import Turn


def messages_before(agent: Agent, turn: Turn) -> tuple[Message, ...]:
    """System message and history, in this order: what the model is sent before the question.

    Args:
        agent: the configuration.
        turn: what the database knows: earlier runs of the session and the user's memories.
    """
    text = build_system_message(agent, turn.memories)
    system = () if text is None else (Message("system", text),)
    history = (Message.from_dict(message) for run in turn.runs for message in run.messages)
    return (*system, *history)
