"""Databases of every kind, and what to put into them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from agno_lite.db.in_memory import InMemoryDb
from agno_lite.db.postgres import PostgresDb
from agno_lite.db.schemas import RunRecord
from agno_lite.db.sqlite import SqliteDb
from agno_lite.db.sqlite.connections import close_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agno_lite.db.base import BaseDb

_numbers = itertools.count(1)


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Iterator[Path]:
    """Path of a file that is not there yet. Connections to whatever it becomes are closed after."""
    yield tmp_path / "agents.db"
    close_all()


@pytest.fixture(params=["postgres", "sqlite", "sqlite_memory", "in_memory"])
def db(request: pytest.FixtureRequest) -> BaseDb:
    """An empty database of each kind in turn."""
    if request.param == "postgres":
        return PostgresDb(request.getfixturevalue("postgres_url"))
    if request.param == "sqlite":
        return SqliteDb(request.getfixturevalue("sqlite_file"))
    return InMemoryDb() if request.param == "in_memory" else SqliteDb(":memory:")


@pytest.fixture
def make_run() -> Callable[..., RunRecord]:
    """Makes runs that differ in their ids, with whatever else is given."""

    def make(**fields: Any) -> RunRecord:
        number = next(_numbers)
        known: dict[str, Any] = {
            "run_id": f"run-{number}",
            "session_id": "s",
            "user_id": "ann",
            "status": "COMPLETED",
            "input": f"question {number}",
            "content": f"answer {number}",
        }
        return RunRecord(**known | fields)

    return make
