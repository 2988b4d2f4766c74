-- One row for each run, numbered in the order of their first storing.

create table {runs} (
  seq integer primary key,
  run_id text not null unique,
  session_id text not null,
  user_id text not null,
  agent_id text,
  parent_run_id text,
  status text not null,
  input text not null,
  content text,
  messages text not null,
  metrics text not null,
  created_at real not null
);
create index {runs_index} on {runs} (session_id, seq);
