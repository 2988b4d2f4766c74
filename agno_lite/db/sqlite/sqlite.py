"""Sessions, runs, memories and results of evaluations in one file."""

from __future__ import annotations

import json
import re
import time
import uuid
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agno_lite.db.base import BaseDb
from agno_lite.db.home import default_home
from agno_lite.db.schemas import AgentSession, EvalRunRecord, RunRecord, Turn, UserMemory
from agno_lite.db.sqlite import statements
from agno_lite.db.sqlite.connections import MEMORY, connections_to
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
from agno_lite.exceptions import StorageURLError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from agno_lite.db.schemas import MemoryChange

FILE = "agno_lite.db"
"""Name of the file below the package's home directory, where none is given."""

_URL = re.compile(r"^([a-z][a-z0-9+._-]+)://|^(file):", re.IGNORECASE)


class SqliteDb(BaseDb):
    """Keeps sessions, runs, memories and results of evaluations in one file, one row each.

    It behaves as `PostgresDb` does, refusals included, and needs no server. Any number of threads and
    processes of one machine may use the file at once; one writes at a time, the others wait up to half
    a minute. A crash of the machine may lose the last moments, never more. Beside the file lie its
    `-wal` and `-shm` while it is used: copy all of them or none. The file must not lie on a network drive.

    Objects are cheap: nothing happens before the first call, and all objects of a process with the
    same file share its connections. The tables are made, or brought up to date, by the first call of a
    process.

    Args:
        db_file: path of the file; a new one, and the folders above it, are made, and only its owner can
            read it. Without one, `agno_lite.db` below `AGNO_LITE_HOME`, else below
            `/var/lib/agno_lite` for root, else below the user's data directory, so that programs find
            what they stored wherever they are started. With `:memory:` each object is a database of
            its own, which is lost with it; a forked child has a copy.
        id: a name for this object, for programs that have several; the package does not use it.
        session_table: name of the table of sessions.
        runs_table: name of the table of runs.
        memory_table: name of the table of memories.
        eval_table: name of the table of results of evaluations.

    Raises:
        StorageURLError: `db_file` is an address or empty.
        ConfigurationError: a name cannot be that of a table.
    """

    system = "sqlite"

    def __init__(
        self,
        db_file: str | Path | None = None,
        *,
        id: str | None = None,  # noqa: A002 - the name that scripts use
        session_table: str = "sessions",
        runs_table: str = "runs",
        memory_table: str = "memories",
        eval_table: str = "eval_runs",
    ) -> None:
        self.id = id
        self._tables = Tables(
            schema=statements.SCHEMA,
            sessions=session_table,
            runs=runs_table,
            memories=memory_table,
            eval_runs=eval_table,
        )
        self._file = _resolve(db_file)
        self._connections = connections_to(self._file)
        if self._file == MEMORY:
            weakref.finalize(self, self._connections.close)

    def describe(self) -> str:
        """Which file this is and how to use another. Opens nothing."""
        if self._file == MEMORY:
            return "SQLite in the memory of this process (lost at exit; db_file keeps)"
        return f"SQLite in {self._file} (another: give db_file)"

    def close(self) -> None:
        """Close this process's connections to the file, also those that other objects use.

        There is no need to: the end of the process does it. The next call opens new ones. A database
        in memory is lost.
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
        """Read what a run needs, all as it was at one moment; see `BaseDb.load_turn`."""
        check_text(user_id=user_id, session_id=session_id, agent_id=agent_id)
        values = {
            "user_id": user_id,
            "agent_id": agent_id,
            "session_id": session_id,
            "status": COMPLETED,
            "runs": max(runs, 0),
        }
        with self._connections.reading(self._tables) as connection:
            session = next(iter(self._do(connection, statements.GET_SESSION, values)), None)
            if session is not None and session["user_id"] != user_id:
                raise not_yours("session", session_id, user_id)
            found = self._do(connection, statements.GET_LAST_RUNS, values)
            known = self._do(connection, statements.GET_MEMORIES, values) if memories else []
        return Turn(
            session=None if session is None else AgentSession(**session),
            runs=tuple(_run(row) for row in reversed(found)),
            memories=tuple(_memory(row) for row in known),
        )

    def save_run(self, run: RunRecord) -> None:
        """Store a run, and create or touch its session, in one transaction; see `BaseDb.save_run`."""
        values = run_values(run)
        with self._connections.writing(self._tables) as connection:
            for kind, key, statement in (
                ("run", run.run_id, statements.OWNER_OF_RUN),
                ("session", run.session_id, statements.OWNER_OF_SESSION),
            ):
                if any(row["user_id"] != run.user_id for row in self._do(connection, statement, values)):
                    raise not_yours(kind, key, run.user_id)
            values["now"] = time.time()
            self._do(connection, statements.TOUCH_SESSION, values)
            self._do(connection, statements.SAVE_RUN, values)

    def get_sessions(self, *, user_id: str) -> list[AgentSession]:
        """The user's sessions, the one used last first."""
        check_text(user_id=user_id)
        return [AgentSession(**row) for row in self._read(statements.GET_SESSIONS, {"user_id": user_id})]

    def get_runs(self, *, user_id: str, session_id: str) -> list[RunRecord]:
        """The session's runs, oldest first; empty if the session is unknown or another user's."""
        check_text(user_id=user_id, session_id=session_id)
        rows = self._read(statements.GET_RUNS, {"user_id": user_id, "session_id": session_id})
        return [_run(row) for row in rows]

    def get_user_memories(self, *, user_id: str) -> list[UserMemory]:
        """The user's memories, oldest first."""
        check_text(user_id=user_id)
        return [_memory(row) for row in self._read(statements.GET_MEMORIES, {"user_id": user_id})]

    def change_memories(
        self,
        changes: Sequence[MemoryChange],
        *,
        user_id: str,
        agent_id: str | None = None,
        source: str | None = None,
    ) -> list[UserMemory]:
        """Apply all changes to one user's memories, or none, in one transaction; see `BaseDb`."""
        check_text(user_id=user_id, agent_id=agent_id, source=source)
        check_changes(changes)
        if not changes:
            return []
        owner = {"user_id": user_id, "agent_id": agent_id, "source": source}
        with self._connections.writing(self._tables) as connection:
            touched = dict.fromkeys(self._change(connection, change, owner) for change in changes)
            found = [
                self._do(connection, statements.GET_MEMORY, owner | {"memory_id": key}) for key in touched
            ]
        return [_memory(row) for rows in found for row in rows]

    def _change(
        self, connection: sqlite3.Connection, change: MemoryChange, owner: dict[str, Any]
    ) -> str | None:
        """Do one change, and give the id of what it added or updated."""
        values = owner | {
            "memory_id": str(uuid.uuid4()) if change.operation == "add" else change.memory_id,
            "memory": change.memory,
            "memory_key": memory_key(change.memory or ""),
            "topics": json.dumps(change.topics, ensure_ascii=False),
            "now": time.time(),
        }
        key: str = values["memory_id"]
        if change.operation == "add":
            self._do(connection, statements.ADD_MEMORY, values)
            return key
        if not self._do(connection, statements.GET_MEMORY, values):
            raise no_such_memory(key, owner["user_id"], change.operation)
        if change.operation == "delete":
            self._do(connection, statements.DELETE_MEMORY, values)
            return None
        self._do(connection, statements.DELETE_TWIN, values)
        self._do(connection, statements.UPDATE_MEMORY, values)
        return key

    def clear_memories(self, *, user_id: str) -> int:
        """Delete the user's memories and say how many there were."""
        check_text(user_id=user_id)
        statement = statements.compose(self._tables, statements.CLEAR_MEMORIES)
        with self._connections.writing(self._tables) as connection:
            return connection.execute(statement, {"user_id": user_id}).rowcount

    def save_eval_run(self, record: EvalRunRecord) -> None:
        """Store the result of an evaluation; see `BaseDb.save_eval_run`."""
        values = eval_run_values(record)
        with self._connections.writing(self._tables) as connection:
            self._do(connection, statements.SAVE_EVAL_RUN, values | {"now": time.time()})

    def get_eval_runs(self, *, limit: int | None = None, eval_type: str | None = None) -> list[EvalRunRecord]:
        """Results of evaluations, the one stored last first; see `BaseDb.get_eval_runs`."""
        check_text(eval_type=eval_type)
        values = {"limit": -1 if limit is None else max(limit, 0), "eval_type": eval_type}
        return [_eval_run(row) for row in self._read(statements.GET_EVAL_RUNS, values)]

    @property
    def _executor(self) -> Executor:
        return self._connections.executor

    def _read(self, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        with self._connections.reading(self._tables) as connection:
            return self._do(connection, text, values)

    def _do(self, connection: sqlite3.Connection, text: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry out one statement."""
        return [dict(row) for row in connection.execute(statements.compose(self._tables, text), values)]


def _resolve(db_file: str | Path | None) -> str:
    """The path of the file, whatever the working directory will be.

    Raises:
        StorageURLError: it is an address or empty.
    """
    if db_file is None:
        return str(default_home() / FILE)
    given = str(db_file)
    if given == MEMORY:
        return given
    address = _URL.match(given)
    if address or not given.strip() or "\x00" in given:
        # The rest is never repeated: it may hold a password.
        found = f"an address that begins with {address[0]!r}" if address else repr(given)
        raise StorageURLError(
            f"db_file: expected a path such as 'data/agents.db', or ':memory:', got {found}. Give a path; "
            "for an address of PostgreSQL use PostgresDb."
        )
    return str(Path(given).expanduser().resolve())


def _run(row: dict[str, Any]) -> RunRecord:
    decoded = {"messages": tuple(json.loads(row["messages"])), "metrics": json.loads(row["metrics"])}
    return RunRecord(**row | decoded)


def _memory(row: dict[str, Any]) -> UserMemory:
    return UserMemory(**row | {"topics": tuple(json.loads(row["topics"]))})


def _eval_run(row: dict[str, Any]) -> EvalRunRecord:
    decoded = {name: json.loads(row[name]) for name in ("eval_data", "eval_input")}
    return EvalRunRecord(**row | decoded)
