"""The statements of `PostgresDb`, and the names that are filled into them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from psycopg import sql

from agno_lite.exceptions import ConfigurationError

if TYPE_CHECKING:
    from typing import LiteralString


LONGEST_NAME = 50
"""Bytes in a table's name: PostgreSQL cuts names after 63, and the names of indexes are longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Where the rows are.

    Raises:
        ConfigurationError: a name is empty, too long, given twice, or has a character that cannot be used.
    """

    schema: str
    """Schema of all tables."""
    sessions: str
    """One row for each session."""
    runs: str
    """One row for each run."""
    memories: str
    """One row for each memory."""

    def __post_init__(self) -> None:
        tables = (self.sessions, self.runs, self.memories)
        if len(set(tables)) < len(tables):
            raise ConfigurationError(f"The tables need three different names, got {', '.join(tables)}.")
        for name in (self.schema, *tables):
            if not 0 < len(name.encode()) <= LONGEST_NAME or set(name) & set("%,\x00"):
                raise ConfigurationError(
                    f"{name!r} cannot be the name of a schema or table. Expected 1 to {LONGEST_NAME} bytes "
                    "without percent sign, comma or NUL. Give another."
                )

    @property
    def names(self) -> str:
        """The three table names, separated by commas: what tells sets of tables in one schema apart."""
        return f"{self.sessions},{self.runs},{self.memories}"


_COLUMNS = {
    "session_columns": sql.SQL(
        "session_id, user_id, agent_id, extract(epoch from created_at)::float8 as created_at, "
        "extract(epoch from updated_at)::float8 as updated_at"
    ),
    "run_columns": sql.SQL(
        "run_id, session_id, user_id, agent_id, parent_run_id, status, input, content, messages, metrics, "
        "extract(epoch from created_at)::float8 as created_at"
    ),
    "memory_columns": sql.SQL(
        "memory_id, user_id, memory, topics, input, agent_id, "
        "extract(epoch from created_at)::float8 as created_at, "
        "extract(epoch from updated_at)::float8 as updated_at"
    ),
}


@cache
def compose(tables: Tables, text: LiteralString) -> bytes:
    """Fill names into a statement.

    Args:
        tables: the names of `{schema}`, `{sessions}`, `{runs}` and `{memories}`. `{change_memories}` is
            the function that changes the latter.
        text: the statement. It may also use the lists of columns above, such as `{run_columns}`.
    """
    filled = sql.SQL(text).format(
        schema=sql.Identifier(tables.schema),
        sessions=sql.Identifier(tables.sessions),
        runs=sql.Identifier(tables.runs),
        memories=sql.Identifier(tables.memories),
        change_memories=sql.Identifier(f"change_{tables.memories}"),
        **_COLUMNS,
    )
    return filled.as_bytes()


LOAD_TURN: LiteralString = """
select
  (select to_jsonb(s) from (
    select {session_columns} from {schema}.{sessions} where session_id = %(session_id)s) s) as session,
  (select jsonb_agg(to_jsonb(r) - 'seq' order by r.seq) from (
    select seq, {run_columns} from {schema}.{runs}
    where session_id = %(session_id)s and user_id = %(user_id)s and status = %(status)s
      and case when %(agent_id)s::text is null then parent_run_id is null else agent_id = %(agent_id)s end
    order by seq desc limit %(runs)s) r) as runs,
  case when %(memories)s then (select jsonb_agg(to_jsonb(m) - 'seq' order by m.seq) from (
    select seq, {memory_columns} from {schema}.{memories} where user_id = %(user_id)s) m) end as memories"""

# Another user's row sets the owner to null, which the column forbids: the whole statement is undone.
# A member's run, which is stored before its team's, does not say with whom the session began.
SAVE_RUN: LiteralString = """
with session as (
  insert into {schema}.{sessions} as known (session_id, user_id, agent_id)
  values (%(session_id)s, %(user_id)s, case when %(parent_run_id)s::text is null then %(agent_id)s end)
  on conflict (session_id) do update set
    user_id = case when known.user_id = excluded.user_id then known.user_id end,
    agent_id = coalesce(known.agent_id, excluded.agent_id),
    updated_at = clock_timestamp()
)
insert into {schema}.{runs} as known
  (run_id, session_id, user_id, agent_id, parent_run_id, status, input, content, messages, metrics)
values (%(run_id)s, %(session_id)s, %(user_id)s, %(agent_id)s, %(parent_run_id)s, %(status)s, %(input)s,
  %(content)s, %(messages)s::jsonb, %(metrics)s::jsonb)
on conflict (run_id) do update set
  user_id = case when known.user_id = excluded.user_id then known.user_id end,
  session_id = excluded.session_id, agent_id = excluded.agent_id, parent_run_id = excluded.parent_run_id,
  status = excluded.status, input = excluded.input, content = excluded.content, messages = excluded.messages,
  metrics = excluded.metrics
returning run_id"""

GET_SESSIONS: LiteralString = """
select {session_columns} from {schema}.{sessions} as s
where user_id = %(user_id)s order by s.updated_at desc"""

GET_RUNS: LiteralString = """
select {run_columns} from {schema}.{runs}
where session_id = %(session_id)s and user_id = %(user_id)s order by seq"""

GET_MEMORIES: LiteralString = """
select {memory_columns} from {schema}.{memories} where user_id = %(user_id)s order by seq"""

CHANGE_MEMORIES: LiteralString = """
select {memory_columns}
from {schema}.{change_memories}(%(user_id)s, %(agent_id)s, %(source)s, %(changes)s::jsonb)"""

CLEAR_MEMORIES: LiteralString = """
delete from {schema}.{memories} where user_id = %(user_id)s returning memory_id"""
