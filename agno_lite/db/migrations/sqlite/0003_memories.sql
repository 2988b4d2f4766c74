-- One row for each memory, numbered in the order of their storing.

create table {memories} (
  seq integer primary key,
  memory_id text not null unique,
  user_id text not null,
  memory text not null,
  -- Hash of the text without case and surrounding white space, computed by the program.
  memory_key text not null,
  topics text not null,
  input text,
  agent_id text,
  created_at real not null,
  updated_at real not null,
  unique (user_id, memory_key)
);
create index {memories_index} on {memories} (user_id, seq);
