"""The storage interface: what every database of the package does, and how asynchronous code calls it."""

from __future__ import annotations

import asyncio
import contextvars
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from agno_lite.exceptions import StorageError
from agno_lite.tracing import semconv, span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

    from agno_lite.db.schemas import AgentSession, EvalRunRecord, MemoryChange, RunRecord, Turn, UserMemory

P = ParamSpec("P")
T = TypeVar("T")


class BaseDb(ABC):
    """Keeps sessions, runs and memories, each with its owner.

    All methods are synchronous and safe to call from any thread. Asynchronous code hands a bound
    method to `offload`. Every read and write names the user it is for; a row of another user is
    never returned, and a write that meets one raises `OwnershipError`.
    """

    system: str = "other_sql"
    """OpenTelemetry's `db.system.name`."""

    @abstractmethod
    def describe(self) -> str:
        """Which database this is and how to use another: part of the line that a run prints first."""

    @abstractmethod
    def load_turn(self, *, user_id: str, session_id: str, runs: int = 0, memories: bool = False) -> Turn:
        """Read what a run needs, in one round trip.

        Args:
            user_id: whose run it is.
            session_id: the session it belongs to, new or known.
            runs: how many of the session's last completed runs to read.
            memories: whether to read the user's memories.

        Raises:
            OwnershipError: the session belongs to another user.
        """

    @abstractmethod
    def save_run(self, run: RunRecord) -> None:
        """Store a run, and create or touch its session, in one statement.

        Storing the same run again replaces it, so that a retry stores once.

        Raises:
            OwnershipError: the session or the run belongs to another user.
        """

    @abstractmethod
    def get_sessions(self, *, user_id: str) -> list[AgentSession]:
        """The user's sessions, the one used last first."""

    @abstractmethod
    def get_runs(self, *, user_id: str, session_id: str) -> list[RunRecord]:
        """The session's runs, oldest first; empty if the session is unknown or another user's."""

    @abstractmethod
    def get_user_memories(self, *, user_id: str) -> list[UserMemory]:
        """The user's memories, oldest first."""

    @abstractmethod
    def change_memories(
        self,
        changes: Sequence[MemoryChange],
        *,
        user_id: str,
        agent_id: str | None = None,
        source: str | None = None,
    ) -> list[UserMemory]:
        """Apply all changes to one user's memories, or none.

        An `add` whose text the user already has (compared without case and surrounding white space)
        changes nothing. An `update` to the text of another memory leaves one of the two, the one named.

        Args:
            changes: what to do, in order.
            user_id: whose memories they are.
            agent_id: the agent that heard it, stored with what is added.
            source: what the user said, stored with what is added or updated.

        Returns:
            The memories that were added or updated, as stored.

        Raises:
            OwnershipError: a change names a memory that the user does not have.
        """

    @abstractmethod
    def clear_memories(self, *, user_id: str) -> int:
        """Delete the user's memories and say how many there were."""

    def save_eval_run(self, record: EvalRunRecord) -> None:
        """Store the result of an evaluation.

        Storing the same run again replaces it in its place, so that a retry stores once.

        Raises:
            StorageError: this database keeps none.
        """
        raise StorageError(f"{type(self).__name__} cannot keep {record.eval_type} results; use InMemoryDb.")

    def get_eval_runs(self, *, limit: int | None = None, eval_type: str | None = None) -> list[EvalRunRecord]:
        """Results of evaluations, the one stored last first.

        Args:
            limit: how many at most; without it, all.
            eval_type: only those of this type.

        Raises:
            StorageError: this database keeps none.
        """
        raise StorageError(
            f"{type(self).__name__} keeps no results of evaluations (asked for {limit or 'all'} of type "
            f"{eval_type or 'any'}); use InMemoryDb."
        )

    @property
    def _executor(self) -> Executor | None:
        """Where `offload` runs blocking calls; `None` if they never wait."""
        return None

    async def offload(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of this object without blocking the event loop.

        The method runs in a thread with a copy of the caller's context. Cancelling the caller does not
        stop a statement that has begun.
        """
        name = method.__name__
        qualified = f"{type(self).__module__}.{type(self).__qualname__}.{name}"
        with span(
            semconv.DATABASE,
            name,
            db__system__name=self.system,
            db__operation__name=name,
            code__function__name=qualified,
            user__id=kwargs.get("user_id"),
        ):
            if self._executor is None:
                return method(*args, **kwargs)
            context = contextvars.copy_context()
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, lambda: context.run(method, *args, **kwargs))
