-- One row for each session. Each file makes one table, so that databases may share some of their tables.

create table {sessions} (
  session_id text primary key not null,
  user_id text not null,
  agent_id text,
  created_at real not null,
  updated_at real not null
);
create index {sessions_index} on {sessions} (user_id, updated_at desc);
