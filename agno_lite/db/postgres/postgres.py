"""Sessions, runs, memories and results of evaluations in PostgreSQL."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from psycopg import errors
from psycopg.rows import dict_row

from agno_lite.db.base import BaseDb
from agno_lite.db.postgres import statements
from agno_lite.db.postgres.address import resolve
from agno_lite.db.postgres.connections import Connections, connections_to, refusal
from agno_lite.db.schemas import AgentSession, EvalRunRecord, RunRecord, Turn, UserMemory
from agno_lite.db.tables import Tables
from agno_lite.db.values import (
    COMPLETED,
    check_changes,
    check_text,
    eval_run_values,
    memory_key,
    no_such_memory,
    not_yours,
    run_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from typing import LiteralString

    from agno_lite.db.schemas import MemoryChange


class PostgresDb(BaseDb):
    """Keeps sessions, runs, memories and results of evaluations in PostgreSQL, one row each.

    The server is the one that `db_url` names, else the one that the environment variable
    `AGNO_LITE_DB_URL` names, else a private one that is started when it is first needed (see
    `agno_lite.db.embedded`). A server that was named is never replaced by another.

    Objects are cheap: nothing happens before the first call, and all objects of a process with the
    same server share at most ten connections. The tables are made, or brought up to date, by the
    first call of a process.

    Args:
        db_url: `postgresql://user:password@host:port/database`; a driver's name as in
            `postgresql+psycopg://` is accepted and has no effect.
        id: a name for this object, for programs that have several; the package does not use it.
        db_schema: schema of the tables, made if it is missing.
        session_table: name of the table of sessions.
        runs_table: name of the table of runs.
        memory_table: name of the table of memories.
        eval_table: name of the table of results of evaluations.

    Raises:
        StorageURLError: `db_url` or the variable does not name a PostgreSQL database.
        ConfigurationError: a name cannot be that of a schema or table.
    """

    system = "postgresql"

    def __init__(
        self,
        db_url: str | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that scripts use
        db_schema: str = "agno_lite",
        session_table: str = "sessions",
        runs_table: str = "runs",
        memory_table: str = "memories",
        eval_table: str = "eval_runs",
    ) -> None:
        self.id = id
        self._address = resolve(db_url)
        self._tables = Tables(
            schema=db_schema,
            sessions=session_table,
            runs=runs_table,
            memories=memory_table,
            eval_runs=eval_table,
        )

    def describe(self) -> str:
        """Which server this is and how to use another. Connects to nothing.

        Raises:
            EmbeddedServerError: no server was named and there is no PostgreSQL to start.
        """
        return self._address.describe()

    def close(self) -> None:
        """Close this process's connections to the server, also those that other objects use.

        There is no need to: the end of the process does it. The next call opens new ones.
        """
        self._connections.close()

    def load_turn(
        self,
        *,
        user_id: str,
        session_id: str,
        runs: int = 0,
        memories: bool = False,
        agent_id: str | None = None,
    ) -> Turn:
        """Read what a run needs with one statement; see `BaseDb.load_turn`."""
        check_text(user_id=user_id, session_id=session_id, agent_id=agent_id)
        values = {
            "user_id": user_id,
            "session_id": session_id,
            "status": COMPLETED,
            "runs": max(runs, 0),
            "memories": memories,
            "agent_id": agent_id,
        }
        (row,) = self._rows(statements.LOAD_TURN, values)
        session = row["session"]
        if session is not None and session["user_id"] != user_id:
            raise not_yours("session", session_id, user_id)
        return Turn(
            session=None if session is None else AgentSession(**session),
            runs=tuple(_run(found) for found in row["runs"] or ()),
            memories=tuple(_memory(found) for found in row["memories"] or ()),
        )

    def save_run(self, run: RunRecord) -> None:
        """Store a run, and create or touch its session, with one statement; see `BaseDb.save_run`."""
        try:
            self._rows(statements.SAVE_RUN, run_values(run))
        except errors.NotNullViolation as error:
            if error.diag.column_name != "user_id":
                raise refusal(error) from error
            of_session = error.diag.table_name == self._tables.sessions
            kind, key = ("session", run.session_id) if of_session else ("run", run.run_id)
            raise not_yours(kind, key, run.user_id) from error

    def get_sessions(self, *, user_id: str) -> list[AgentSession]:
        """The user's sessions, the one used last first."""
        check_text(user_id=user_id)
        return [AgentSession(**row) for row in self._rows(statements.GET_SESSIONS, {"user_id": user_id})]

    def get_runs(self, *, user_id: str, session_id: str) -> list[RunRecord]:
        """The session's runs, oldest first; empty if the session is unknown or another user's."""
        check_text(user_id=user_id, session_id=session_id)
        rows = self._rows(statements.GET_RUNS, {"user_id": user_id, "session_id": session_id})
        return [_run(row) for row in rows]

    def get_user_memories(self, *, user_id: str) -> list[UserMemory]:
        """The user's memories, oldest first."""
        check_text(user_id=user_id)
        return [_memory(row) for row in self._rows(statements.GET_MEMORIES, {"user_id": user_id})]

    def change_memories(
        self,
        changes: Sequence[MemoryChange],
        *,
        user_id: str,
        agent_id: str | None = None,
        source: str | None = None,
    ) -> list[UserMemory]:
        """Apply all changes to one user's memories, or none, with one statement; see `BaseDb`."""
        check_text(user_id=user_id, agent_id=agent_id, source=source)
        check_changes(changes)
        if not changes:
            return []
        values = {
            "user_id": user_id,
            "agent_id": agent_id,
            "source": source,
            "changes": json.dumps([_change(change) for change in changes], ensure_ascii=False),
        }
        try:
            rows = self._rows(statements.CHANGE_MEMORIES, values)
        except errors.NoDataFound as error:
            key, operation = error.diag.message_detail or "", error.diag.message_hint or ""
            raise no_such_memory(key, user_id, operation) from error
        return [_memory(row) for row in rows]

    def clear_memories(self, *, user_id: str) -> int:
        """Delete the user's memories and say how many there were."""
        check_text(user_id=user_id)
        return len(self._rows(statements.CLEAR_MEMORIES, {"user_id": user_id}))

    def save_eval_run(self, record: EvalRunRecord) -> None:
        """Store the result of an evaluation with one statement; see `BaseDb.save_eval_run`."""
        self._rows(statements.SAVE_EVAL_RUN, eval_run_values(record))

    def get_eval_runs(self, *, limit: int | None = None, eval_type: str | None = None) -> list[EvalRunRecord]:
        """Results of evaluations, the one stored last first; see `BaseDb.get_eval_runs`."""
        check_text(eval_type=eval_type)
        values = {"limit": None if limit is None else max(limit, 0), "eval_type": eval_type}
        return [EvalRunRecord(**row) for row in self._rows(statements.GET_EVAL_RUNS, values)]

    @property
    def _executor(self) -> Executor:
        return self._connections.executor

    @property
    def _connections(self) -> Connections:
        return connections_to(self._address)

    def _rows(self, text: LiteralString, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry out one statement, on tables of this version."""
        statement = statements.compose(self._tables, text)
        with self._connections.connection(self._tables) as connection:
            return connection.cursor(row_factory=dict_row).execute(statement, values).fetchall()


def _run(row: dict[str, Any]) -> RunRecord:
    return RunRecord(**row | {"messages": tuple(row["messages"])})


def _memory(row: dict[str, Any]) -> UserMemory:
    return UserMemory(**row | {"topics": tuple(row["topics"])})


def _change(change: MemoryChange) -> dict[str, Any]:
    """A change as the database's function reads it."""
    adds = change.operation == "add"
    return {
        "operation": change.operation,
        "memory_id": str(uuid.uuid4()) if adds else change.memory_id,
        "memory": change.memory,
        "memory_key": memory_key(change.memory or ""),
        "topics": change.topics,
    }
