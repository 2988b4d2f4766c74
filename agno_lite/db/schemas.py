"""Rows of the storage interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMemory:
    """A fact about a user."""

    memory: str
    """The fact, a short statement in the third person."""
    memory_id: str | None = None
    """Its id; given by the database if it is `None` when stored."""
    user_id: str
    """Whom it is about, and who alone may read it."""
    topics: tuple[str, ...] = ()
    """What it is about, in a few words."""
    input: str | None = None
    """What the user said that it was taken from."""
    agent_id: str | None = None
    """The agent that heard it."""
    created_at: float | None = None
    """When it was stored first: seconds since 1970, to the microsecond."""
    updated_at: float | None = None
    """When it was changed last: seconds since 1970, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSession:
    """A conversation of one user with one agent."""

    session_id: str
    """Its id."""
    user_id: str
    """Whose it is."""
    agent_id: str | None = None
    """The agent it began with."""
    created_at: float | None = None
    """When its first run was stored: seconds since 1970, to the microsecond."""
    updated_at: float | None = None
    """When its last run was stored: seconds since 1970, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as it is stored: a question, its answer and all messages between."""

    run_id: str
    """Its id."""
    session_id: str
    """The session it belongs to."""
    user_id: str
    """Whose it is: the session's user."""
    agent_id: str | None = None
    """The agent that ran."""
    status: str
    """How it ended: a value of `agno_lite.run.base.RunStatus`."""
    input: str
    """What the user said."""
    content: str | None = None
    """The answer."""
    messages: tuple[dict[str, Any], ...] = ()
    """All messages of the run except history, as `Message.to_dict` gives them."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """Tokens and times."""
    created_at: float | None = None
    """When it was stored: seconds since 1970, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryChange:
    """Something to do to a user's memories."""

    operation: str
    """`add`, `update` or `delete`."""
    memory: str | None = None
    """The new text, for `add` and `update`."""
    memory_id: str | None = None
    """Which memory, for `update` and `delete`."""
    topics: tuple[str, ...] = ()
    """The new topics, for `add` and `update`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRunRecord:
    """One run of an evaluation, with its result. It belongs to no user: it is the developer's."""

    run_id: str
    """Its id."""
    name: str | None = None
    """What the developer calls the evaluation."""
    eval_type: str
    """What was evaluated: `accuracy`, `performance`, `reliability` or `agent_as_judge`."""
    eval_data: dict[str, Any]
    """The result; its shape depends on `eval_type`."""
    eval_input: dict[str, Any] = field(default_factory=dict)
    """The settings that the evaluation ran with."""
    evaluated_component_name: str | None = None
    """Name of the agent, team or function that was evaluated."""
    agent_id: str | None = None
    """The agent that was evaluated."""
    team_id: str | None = None
    """The team that was evaluated."""
    model_id: str | None = None
    """The model of what was evaluated."""
    model_provider: str | None = None
    """Who provides that model."""
    created_at: float | None = None
    """When it was stored first: seconds since 1970, to the microsecond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a run reads before it asks the model: one round trip."""

    session: AgentSession | None = None
    """The session, `None` if this is its first run."""
    runs: tuple[RunRecord, ...] = ()
    """The session's last completed runs, oldest first."""
    memories: tuple[UserMemory, ...] = ()
    """The user's memories, oldest first."""
