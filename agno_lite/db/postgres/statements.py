"""The statements of `PostgresDb`, and the names that are filled into them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from typing import LiteralString

    from agno_lite.db.tables import Tables

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
    "eval_run_columns": sql.SQL(
        "run_id, name, eval_type, eval_data, eval_input, evaluated_component_name, agent_id, team_id, "
        "model_id, model_provider, extract(epoch from created_at)::float8 as created_at"
    ),
}


@cache
def compose(tables: Tables, text: LiteralString) -> bytes:
    """Fill names into a statement.

    Args:
        tables: the names of `{schema}`, `{sessions}`, `{runs}`, `{memories}` and `{eval_runs}`.
            `{change_memories}` is the function that changes memories.
        text: the statement. It may also use the lists of columns above, such as `{run_columns}`.
    """
    filled = sql.SQL(text).format(
        schema=sql.Identifier(tables.schema),
        sessions=sql.Identifier(tables.sessions),
        runs=sql.Identifier(tables.runs),
        memories=sql.Identifier(tables.memories),
        eval_runs=sql.Identifier(tables.eval_runs),
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

SAVE_EVAL_RUN: LiteralString = """
insert into {schema}.{eval_runs} (run_id, name, eval_type, eval_data, eval_input,
  evaluated_component_name, agent_id, team_id, model_id, model_provider)
values (%(run_id)s, %(name)s, %(eval_type)s, %(eval_data)s::jsonb, %(eval_input)s::jsonb,
  %(evaluated_component_name)s, %(agent_id)s, %(team_id)s, %(model_id)s, %(model_provider)s)
on conflict (run_id) do update set
  name = excluded.name, eval_type = excluded.eval_type, eval_data = excluded.eval_data,
  eval_input = excluded.eval_input, evaluated_component_name = excluded.evaluated_component_name,
  agent_id = excluded.agent_id, team_id = excluded.team_id, model_id = excluded.model_id,
  model_provider = excluded.model_provider
returning run_id"""

GET_EVAL_RUNS: LiteralString = """
select {eval_run_columns} from {schema}.{eval_runs}
where %(eval_type)s::text is null or eval_type = %(eval_type)s::text
order by seq desc limit %(limit)s::bigint"""
