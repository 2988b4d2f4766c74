"""What a run left in the private database that it was given; read from outside, after its end."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from agno_lite.exceptions import EmbeddedServerError
from agno_lite.gallery.records import Storage, UserStorage

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

_SCHEMA = "agno_lite"
_LEFT_OUT = "schema_version"
"""The table that is about the tables."""
_MEMORIES = "memories"
_OWN_DATABASE = "postgres"
"""A database that every server has: from there others are removed."""

_TABLES = """
    select c.table_name, coalesce(bool_or(c.column_name = 'user_id'), false)
    from information_schema.tables t join information_schema.columns c using (table_schema, table_name)
    where t.table_schema = %s and t.table_name <> %s and t.table_type = 'BASE TABLE'
    group by c.table_name order by c.table_name
"""


@functools.cache
def hold() -> Path | None:
    """Let the private server run until this process ends; gives where its files are, if there is one.

    A script has to find it running: starting it would be part of what the first capture records, and of
    no other.
    """
    from agno_lite.db import embedded

    try:
        return embedded.start(database=_OWN_DATABASE).directory
    except EmbeddedServerError:
        return None  # A script that needs one will say so better.


def read(database: str) -> Storage | None:
    """Count the rows of a database of the private server, and remove the database.

    Args:
        database: its name; it is created by whoever uses it first.

    Returns:
        What it holds; `None` if it has none of the runtime's tables.

    Raises:
        EmbeddedServerError: the server does not start.
    """
    import psycopg
    from psycopg import sql

    from agno_lite.db import embedded

    with psycopg.connect(embedded.start(database=database).url) as connection:
        found = _read(connection)
    with psycopg.connect(embedded.start(database=_OWN_DATABASE).url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(database)))
    return found


def _read(connection: psycopg.Connection[Any]) -> Storage | None:
    tables = connection.execute(_TABLES, [_SCHEMA, _LEFT_OUT]).fetchall()
    if not tables:
        return None
    rows = {name: _count(connection, name) for name, _ in tables}
    by_user: dict[str, dict[str, int]] = {}
    for name in [name for name, has_users in tables if has_users]:
        for user, count in _count_by_user(connection, name):
            by_user.setdefault(user, {})[name] = count
    memories = _memories(connection) if _MEMORIES in rows else {}
    users = {
        user: UserStorage(rows=by_user[user], memories=tuple(memories.get(user, ())))
        for user in sorted(by_user)
    }
    return Storage(tables=rows, users=users)


def _count(connection: psycopg.Connection[Any], table: str) -> int:
    from psycopg import sql

    query = sql.SQL("select count(*) from {}").format(sql.Identifier(_SCHEMA, table))
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _count_by_user(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, int]]:
    from psycopg import sql

    query = sql.SQL("select user_id, count(*) from {} where user_id is not null group by user_id")
    return connection.execute(query.format(sql.Identifier(_SCHEMA, table))).fetchall()


def _memories(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Each user's memories, oldest first."""
    from psycopg import sql

    query = sql.SQL("select user_id, memory from {} order by created_at, memory")
    found: dict[str, list[str]] = {}
    for user, memory in connection.execute(query.format(sql.Identifier(_SCHEMA, _MEMORIES))):
        found.setdefault(user, []).append(memory)
    return found
