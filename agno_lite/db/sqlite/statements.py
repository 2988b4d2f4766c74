"""The statements of `SqliteDb`, and the names that are filled into them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agno_lite.db.tables import KINDS

if TYPE_CHECKING:
    from agno_lite.db.tables import Tables

SCHEMA = "main"
"""What SQLite calls the schema of a connection's own file."""

_COLUMNS = {
    "session_columns": "session_id, user_id, agent_id, created_at, updated_at",
    "run_columns": (
        "run_id, session_id, user_id, agent_id, parent_run_id, status, input, content, messages, metrics, "
        "created_at"
    ),
    "memory_columns": "memory_id, user_id, memory, topics, input, agent_id, created_at, updated_at",
    "eval_run_columns": (
        "run_id, name, eval_type, eval_data, eval_input, evaluated_component_name, agent_id, team_id, "
        "model_id, model_provider, created_at"
    ),
}


@cache
def compose(tables: Tables, text: str) -> str:
    """Fill names into a statement.

    Args:
        tables: the names of `{sessions}`, `{runs}`, `{memories}` and `{eval_runs}`; `{runs_index}` and so
            on are the names of their indexes.
        text: the statement. It may also use the lists of columns above, such as `{run_columns}`.
    """
    names = {kind: _quoted(getattr(tables, kind)) for kind in KINDS}
    indexes = {f"{kind}_index": _quoted(f"{getattr(tables, kind)}_index") for kind in KINDS}
    return text.format_map(names | indexes | _COLUMNS)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


GET_SESSION = "select {session_columns} from {sessions} where session_id = :session_id"

GET_LAST_RUNS = """
select {run_columns} from {runs}
where session_id = :session_id and user_id = :user_id and status = :status
  and case when :agent_id is null then parent_run_id is null else agent_id = :agent_id end
order by seq desc limit :runs"""

OWNER_OF_SESSION = "select user_id from {sessions} where session_id = :session_id"

OWNER_OF_RUN = "select user_id from {runs} where run_id = :run_id"

# A member's run, which is stored before its team's, does not say with whom the session began.
TOUCH_SESSION = """
insert into {sessions} ({session_columns})
values (:session_id, :user_id, case when :parent_run_id is null then :agent_id end, :now, :now)
on conflict (session_id) do update set
  agent_id = coalesce(agent_id, excluded.agent_id), updated_at = excluded.updated_at
where user_id = excluded.user_id"""

SAVE_RUN = """
insert into {runs} ({run_columns})
values (:run_id, :session_id, :user_id, :agent_id, :parent_run_id, :status, :input, :content, :messages,
  :metrics, :now)
on conflict (run_id) do update set
  session_id = excluded.session_id, agent_id = excluded.agent_id, parent_run_id = excluded.parent_run_id,
  status = excluded.status, input = excluded.input, content = excluded.content,
  messages = excluded.messages, metrics = excluded.metrics
where user_id = excluded.user_id"""

GET_SESSIONS = "select {session_columns} from {sessions} where user_id = :user_id order by updated_at desc"

GET_RUNS = """
select {run_columns} from {runs} where session_id = :session_id and user_id = :user_id order by seq"""

GET_MEMORIES = "select {memory_columns} from {memories} where user_id = :user_id order by seq"

GET_MEMORY = "select {memory_columns} from {memories} where memory_id = :memory_id and user_id = :user_id"

ADD_MEMORY = """
insert into {memories} ({memory_columns}, memory_key)
values (:memory_id, :user_id, :memory, :topics, :source, :agent_id, :now, :now, :memory_key)
on conflict (user_id, memory_key) do nothing"""

DELETE_MEMORY = "delete from {memories} where memory_id = :memory_id and user_id = :user_id"

# Of two memories that become the same, the one that the change names remains.
DELETE_TWIN = """
delete from {memories}
where user_id = :user_id and memory_key = :memory_key and memory_id <> :memory_id"""

UPDATE_MEMORY = """
update {memories}
set memory = :memory, memory_key = :memory_key, topics = :topics, input = :source, updated_at = :now
where memory_id = :memory_id and user_id = :user_id"""

CLEAR_MEMORIES = "delete from {memories} where user_id = :user_id"

SAVE_EVAL_RUN = """
insert into {eval_runs} ({eval_run_columns})
values (:run_id, :name, :eval_type, :eval_data, :eval_input, :evaluated_component_name, :agent_id, :team_id,
  :model_id, :model_provider, :now)
on conflict (run_id) do update set
  name = excluded.name, eval_type = excluded.eval_type, eval_data = excluded.eval_data,
  eval_input = excluded.eval_input, evaluated_component_name = excluded.evaluated_component_name,
  agent_id = excluded.agent_id, team_id = excluded.team_id, model_id = excluded.model_id,
  model_provider = excluded.model_provider"""

# A negative limit is none.
GET_EVAL_RUNS = """
select {eval_run_columns} from {eval_runs}
where :eval_type is null or eval_type = :eval_type order by seq desc limit :limit"""
