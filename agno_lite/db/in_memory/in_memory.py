"""Storage that lasts as long as its object: for tests, and for trying things out."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from agno_lite.db.base import BaseDb
from agno_lite.db.schemas import AgentSession, Turn, UserMemory
from agno_lite.db.values import (
    COMPLETED,
    check_changes,
    check_run,
    check_text,
    json_text,
    memory_key,
    no_such_memory,
    not_yours,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.db.schemas import EvalRunRecord, MemoryChange, RunRecord


class InMemoryDb(BaseDb):
    """Keeps everything in dictionaries; each object is a database of its own.

    It behaves as `PostgresDb` does, refusals included, and loses all when it is dropped.
    """

    system = "other_sql"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, AgentSession] = {}
        self._runs: dict[str, RunRecord] = {}
        self._memories: dict[str, UserMemory] = {}
        self._eval_runs: dict[str, EvalRunRecord] = {}

    def describe(self) -> str:
        """Which database this is and how to use another."""
        return "memory of this process (lost at exit; PostgresDb keeps)"

    def load_turn(self, *, user_id: str, session_id: str, runs: int = 0, memories: bool = False) -> Turn:
        """Read what a run needs; see `BaseDb.load_turn`."""
        check_text(user_id=user_id, session_id=session_id)
        with self._lock:
            session = self._sessions.get(session_id)
            if session is not None and session.user_id != user_id:
                raise not_yours("session", session_id, user_id)
            completed = [run for run in self._runs_of(user_id, session_id) if run.status == COMPLETED]
            return Turn(
                session=session,
                runs=tuple(_copied(run) for run in completed[len(completed) - min(runs, len(completed)) :]),
                memories=tuple(self._memories_of(user_id)) if memories else (),
            )

    def save_run(self, run: RunRecord) -> None:
        """Store a run, and create or touch its session; see `BaseDb.save_run`."""
        check_run(run)
        stored = _copied(run)
        with self._lock:
            session = self._sessions.get(run.session_id)
            known = self._runs.get(run.run_id)
            for kind, key, row in (("run", run.run_id, known), ("session", run.session_id, session)):
                if row is not None and row.user_id != run.user_id:
                    raise not_yours(kind, key, run.user_id)
            now = time.time()
            self._touch_session(run, session, now)
            self._runs[run.run_id] = replace(stored, created_at=known.created_at if known else now)

    def _touch_session(self, run: RunRecord, known: AgentSession | None, now: float) -> None:
        """Create the run's session, or move it to the end: the dictionary is ordered by last use."""
        if known is None:
            known = AgentSession(
                session_id=run.session_id, user_id=run.user_id, agent_id=run.agent_id, created_at=now
            )
        self._sessions.pop(run.session_id, None)
        self._sessions[run.session_id] = replace(known, updated_at=now)

    def get_sessions(self, *, user_id: str) -> list[AgentSession]:
        """The user's sessions, the one used last first."""
        check_text(user_id=user_id)
        with self._lock:
            return [session for session in reversed(self._sessions.values()) if session.user_id == user_id]

    def get_runs(self, *, user_id: str, session_id: str) -> list[RunRecord]:
        """The session's runs, oldest first; empty if the session is unknown or another user's."""
        check_text(user_id=user_id, session_id=session_id)
        with self._lock:
            return [_copied(run) for run in self._runs_of(user_id, session_id)]

    def get_user_memories(self, *, user_id: str) -> list[UserMemory]:
        """The user's memories, oldest first."""
        check_text(user_id=user_id)
        with self._lock:
            return self._memories_of(user_id)

    def change_memories(
        self,
        changes: Sequence[MemoryChange],
        *,
        user_id: str,
        agent_id: str | None = None,
        source: str | None = None,
    ) -> list[UserMemory]:
        """Apply all changes to one user's memories, or none; see `BaseDb.change_memories`."""
        check_text(user_id=user_id, agent_id=agent_id, source=source)
        check_changes(changes)
        with self._lock:
            memories = dict(self._memories)
            touched: dict[str, None] = {}
            for change in changes:
                key = _apply(
                    change, memories, UserMemory(memory="", user_id=user_id, agent_id=agent_id, input=source)
                )
                if key is not None:
                    touched[key] = None
            self._memories = memories
            return [memories[key] for key in touched if key in memories]

    def clear_memories(self, *, user_id: str) -> int:
        """Delete the user's memories and say how many there were."""
        check_text(user_id=user_id)
        with self._lock:
            kept = {key: memory for key, memory in self._memories.items() if memory.user_id != user_id}
            gone = len(self._memories) - len(kept)
            self._memories = kept
            return gone

    def save_eval_run(self, record: EvalRunRecord) -> None:
        """Store the result of an evaluation; see `BaseDb.save_eval_run`."""
        stored = _own(record)
        with self._lock:
            known = self._eval_runs.get(record.run_id)
            created_at = known.created_at if known else time.time()
            self._eval_runs[record.run_id] = replace(stored, created_at=created_at)

    def get_eval_runs(self, *, limit: int | None = None, eval_type: str | None = None) -> list[EvalRunRecord]:
        """Results of evaluations, the one stored last first; see `BaseDb.get_eval_runs`."""
        with self._lock:
            found = [
                _own(record)
                for record in reversed(self._eval_runs.values())
                if eval_type in (None, record.eval_type)
            ]
        return found if limit is None else found[: max(limit, 0)]

    def _runs_of(self, user_id: str, session_id: str) -> list[RunRecord]:
        runs = self._runs.values()
        return [run for run in runs if run.session_id == session_id and run.user_id == user_id]

    def _memories_of(self, user_id: str) -> list[UserMemory]:
        return [memory for memory in self._memories.values() if memory.user_id == user_id]


def _copied(run: RunRecord) -> RunRecord:
    """The run with data of its own, as a database would give it back."""
    return replace(
        run,
        messages=tuple(json.loads(json_text("messages", run.messages))),
        metrics=json.loads(json_text("metrics", run.metrics)),
    )


def _own(record: EvalRunRecord) -> EvalRunRecord:
    """The result with data of its own, as a database would give it back."""
    return replace(
        record,
        eval_data=json.loads(json_text("eval_data", record.eval_data)),
        eval_input=json.loads(json_text("eval_input", record.eval_input)),
    )


def _apply(change: MemoryChange, memories: dict[str, UserMemory], new: UserMemory) -> str | None:
    """Do one change to `memories`, and give the id of what it added or updated.

    Args:
        change: what to do.
        memories: all users' memories by id, oldest first; changed in place.
        new: owner, agent and source of whatever is added.
    """
    now = time.time()
    if change.operation == "add":
        return _add(change, memories, replace(new, created_at=now, updated_at=now))
    key = change.memory_id or ""
    if key not in memories or memories[key].user_id != new.user_id:
        raise no_such_memory(key, new.user_id, change.operation)
    if change.operation == "delete":
        del memories[key]
        return None
    twin = _find(change, memories, new.user_id)
    if twin is not None and twin != key:
        del memories[twin]
    memories[key] = replace(
        memories[key], memory=change.memory or "", topics=change.topics, input=new.input, updated_at=now
    )
    return key


def _add(change: MemoryChange, memories: dict[str, UserMemory], new: UserMemory) -> str | None:
    if _find(change, memories, new.user_id) is not None:
        return None
    key = str(uuid.uuid4())
    memories[key] = replace(new, memory_id=key, memory=change.memory or "", topics=change.topics)
    return key


def _find(change: MemoryChange, memories: dict[str, UserMemory], user_id: str) -> str | None:
    """Id of the user's memory that has the change's text."""
    wanted = memory_key(change.memory or "")
    of_user = ((key, memory) for key, memory in memories.items() if memory.user_id == user_id)
    return next((key for key, memory in of_user if memory_key(memory.memory) == wanted), None)
