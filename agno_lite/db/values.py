"""What all databases agree on: which values can be stored, and which memories are the same."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from agno_lite.exceptions import OwnershipError, StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agno_lite.db.schemas import EvalRunRecord, MemoryChange, RunRecord

COMPLETED = "COMPLETED"
"""Status of the runs that count as history: `agno_lite.run.base.RunStatus.COMPLETED`."""

_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NEEDS = {"add": ("memory",), "update": ("memory_id", "memory"), "delete": ("memory_id",)}


def check_text(**fields: str | None) -> None:
    """Refuse text that PostgreSQL cannot keep, whatever the database.

    Args:
        **fields: texts by the name that the message shall call them.

    Raises:
        StorageError: a text holds a NUL character, or half of a surrogate pair.
    """
    for name, text in fields.items():
        if text is None:
            continue
        if "\x00" in text:
            raise StorageError(f"{name} holds a NUL character, which no text column keeps. Remove it first.")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise StorageError(
                f"{name} is not valid Unicode text: {error.reason}. Repair it first."
            ) from error


def json_text(name: str, value: Any) -> str:
    """A value as JSON text that any database keeps.

    Raises:
        StorageError: it is no JSON (an object of a class, NaN), or a text in it cannot be stored.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StorageError(f"{name} cannot be stored as JSON: {error}. Use plain data.") from error
    if _ESCAPED_NUL.search(text):
        raise StorageError(f"{name} holds a NUL character, which no database keeps. Remove it first.")
    check_text(**{name: text})
    return text


def memory_key(memory: str) -> str:
    """What two memories have in common that differ in case or surrounding white space only.

    A hash of the text, 64 hexadecimal digits. It is computed here and not in the database, whose
    idea of case depends on its locale.
    """
    return hashlib.sha256(memory.strip().casefold().encode()).hexdigest()


def check_run(run: RunRecord) -> None:
    """Refuse a run with a text that cannot be stored; `messages` and `metrics` are left to `json_text`.

    Raises:
        StorageError: naming the field.
    """
    names = ("run_id", "session_id", "user_id", "agent_id", "parent_run_id", "status", "input", "content")
    check_text(**{name: getattr(run, name) for name in names})


def check_eval_run(record: EvalRunRecord) -> None:
    """Refuse a result with a text that cannot be stored; its data are left to `json_text`.

    Raises:
        StorageError: naming the field.
    """
    names = (
        "run_id",
        "name",
        "eval_type",
        "evaluated_component_name",
        "agent_id",
        "team_id",
        "model_id",
        "model_provider",
    )
    check_text(**{name: getattr(record, name) for name in names})


def run_values(run: RunRecord) -> dict[str, Any]:
    """A run as the parameters of a statement, checked; without `created_at`, which the database gives.

    Raises:
        StorageError: a field cannot be stored.
    """
    check_run(run)
    return {
        "run_id": run.run_id,
        "session_id": run.session_id,
        "user_id": run.user_id,
        "agent_id": run.agent_id,
        "parent_run_id": run.parent_run_id,
        "status": run.status,
        "input": run.input,
        "content": run.content,
        "messages": json_text("messages", run.messages),
        "metrics": json_text("metrics", run.metrics),
    }


def eval_run_values(record: EvalRunRecord) -> dict[str, Any]:
    """A result of an evaluation as the parameters of a statement, checked; without `created_at`.

    Raises:
        StorageError: a field cannot be stored.
    """
    check_eval_run(record)
    return {
        "run_id": record.run_id,
        "name": record.name,
        "eval_type": record.eval_type,
        "eval_data": json_text("eval_data", record.eval_data),
        "eval_input": json_text("eval_input", record.eval_input),
        "evaluated_component_name": record.evaluated_component_name,
        "agent_id": record.agent_id,
        "team_id": record.team_id,
        "model_id": record.model_id,
        "model_provider": record.model_provider,
    }


def check_changes(changes: Sequence[MemoryChange]) -> None:
    """Refuse changes that say too little, or that hold a text that cannot be stored.

    Raises:
        StorageError: naming the change by its place in the list and the field.
    """
    for number, change in enumerate(changes):
        where = f"changes[{number}]"
        if change.operation not in _NEEDS:
            raise StorageError(f"{where}.operation is {change.operation!r}. Expected add, update or delete.")
        for name in _NEEDS[change.operation]:
            if not (getattr(change, name) or "").strip():
                raise StorageError(f"{where}.{name} is empty. {change.operation!r} needs it.")
        check_text(**{f"{where}.memory": change.memory, f"{where}.memory_id": change.memory_id})
        check_text(**{f"{where}.topics[{place}]": topic for place, topic in enumerate(change.topics)})


def not_yours(kind: str, key: str, user_id: str) -> OwnershipError:
    """The error for a session or run of somebody else.

    Args:
        kind: `session` or `run`.
        key: its id.
        user_id: who asked for it.
    """
    return OwnershipError(
        f"The {kind} {key!r} belongs to another user than {user_id!r}. Nothing was changed; "
        f"use another {kind}_id.",
        kind=kind,
        key=key,
    )


def no_such_memory(key: str, user_id: str, operation: str) -> OwnershipError:
    """The error for a change to a memory that the user does not have.

    Args:
        key: the memory's id.
        user_id: whose memories were to be changed.
        operation: `update` or `delete`.
    """
    return OwnershipError(
        f"User {user_id!r} has no memory {key!r}, so it cannot be {operation}d. Nothing was changed.",
        kind="memory",
        key=key,
    )
