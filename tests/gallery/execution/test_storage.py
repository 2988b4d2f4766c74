"""What a script leaves in the private database is read, per user, and removed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psycopg

from agno_lite.gallery.records import Storage, UserStorage

if TYPE_CHECKING:
    from tests.gallery.execution.conftest import Tiny

_SCRIPT = """
import psycopg
from agno_lite.db import embedded
with psycopg.connect(embedded.start().url) as connection:
    connection.execute("create schema agno_lite")
    connection.execute("create table agno_lite.schema_version (version int)")
    connection.execute("create table agno_lite.empty (id int)")
    connection.execute("create table agno_lite.runs (user_id text, content text)")
    connection.execute("create table agno_lite.memories (memory text, user_id text, created_at timestamptz)")
    for user in ("zoe", "ann"):
        connection.execute("insert into agno_lite.runs values (%s, 'x'), (%s, 'y'), (null, 'z')", [user] * 2)
    connection.execute("insert into agno_lite.memories values ('later', 'zoe', '2020-01-02'),"
                       "('earlier', 'zoe', '2020-01-01'), ('hers', 'ann', '2020-01-03')")
print(embedded.default_database())
"""


def test_rows_and_memories_are_read_per_user(tiny: Tiny, postgres_server: str) -> None:
    """Rows by table and user, memories oldest first; afterwards the database is gone."""
    before = _databases(postgres_server)
    capture = tiny.capture(_SCRIPT, environment={"AGNO_LITE_HOME": os.environ["AGNO_LITE_HOME"]})
    assert capture.stderr == ""
    assert capture.stdout == "<database>\n"
    assert capture.storage == Storage(
        tables={"empty": 0, "memories": 3, "runs": 6},
        users={
            "ann": UserStorage(rows={"memories": 1, "runs": 2}, memories=("hers",)),
            "zoe": UserStorage(rows={"memories": 2, "runs": 2}, memories=("earlier", "later")),
        },
    )
    assert list(capture.storage.users) == ["ann", "zoe"]
    assert _databases(postgres_server) == before


def test_each_run_begins_with_an_empty_database(tiny: Tiny) -> None:
    """The second run finds nothing of the first."""
    assert tiny.capture(_SCRIPT) == tiny.capture(_SCRIPT)


def test_a_script_without_a_database_has_no_storage(tiny: Tiny) -> None:
    """Nothing is read for a script that never asked for the database."""
    assert tiny.capture("print(1)").storage is None


def _databases(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        found = connection.execute("select datname from pg_database where datname like 'capture%'")
        return sorted(name for (name,) in found)
