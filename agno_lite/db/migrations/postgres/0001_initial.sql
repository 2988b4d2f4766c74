-- Sessions, runs and memories. Each table names the owner of its rows, never null: a statement that
-- meets another user's row sets the owner to null, and so is undone as a whole.

create table {schema}.{sessions} (
  session_id text primary key,
  user_id text not null,
  agent_id text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp()
);
create index on {schema}.{sessions} (user_id, updated_at desc);

create table {schema}.{runs} (
  run_id text primary key,
  seq bigint not null generated always as identity,
  session_id text not null,
  user_id text not null,
  agent_id text,
  status text not null,
  input text not null,
  content text,
  messages jsonb not null,
  metrics jsonb not null,
  created_at timestamptz not null default clock_timestamp()
);
create index on {schema}.{runs} (session_id, seq);

create table {schema}.{memories} (
  memory_id text primary key,
  seq bigint not null generated always as identity,
  user_id text not null,
  memory text not null,
  -- Hash of the text without case and surrounding white space, computed by the program.
  memory_key text not null,
  topics text[] not null,
  input text,
  agent_id text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  unique (user_id, memory_key)
);
create index on {schema}.{memories} (user_id, seq);

-- Changes to one user's memories, in order, all or none, in one round trip.
create function {schema}.{change_memories}(owner text, agent text, source text, changes jsonb)
returns setof {schema}.{memories} language plpgsql as $$
declare
  change record;
  touched text[] := array[]::text[];
begin
  -- One after another for each user: a change sees what the one before it left.
  perform pg_advisory_xact_lock(hashtextextended(owner, 0));
  for change in
    select * from jsonb_to_recordset(changes)
      as c(operation text, memory_id text, memory text, memory_key text, topics text[])
  loop
    if change.operation = 'add' then
      insert into {schema}.{memories} (memory_id, user_id, memory, memory_key, topics, input, agent_id)
      values (change.memory_id, owner, change.memory, change.memory_key, change.topics, source, agent)
      on conflict (user_id, memory_key) do nothing;
      continue when not found;
      touched := touched || change.memory_id;
      continue;
    end if;
    perform from {schema}.{memories} m where m.memory_id = change.memory_id and m.user_id = owner;
    if not found then
      raise no_data_found using detail = change.memory_id, hint = change.operation;
    end if;
    if change.operation = 'delete' then
      delete from {schema}.{memories} m where m.memory_id = change.memory_id;
      continue;
    end if;
    -- Of two memories that become the same, the one that the change names remains.
    delete from {schema}.{memories} m
    where m.user_id = owner and m.memory_key = change.memory_key and m.memory_id <> change.memory_id;
    update {schema}.{memories} m
    set memory = change.memory, memory_key = change.memory_key, topics = change.topics,
        input = source, updated_at = clock_timestamp()
    where m.memory_id = change.memory_id;
    touched := touched || change.memory_id;
  end loop;
  return query
    select m.* from {schema}.{memories} m where m.memory_id = any(touched)
    order by array_position(touched, m.memory_id);
end
$$;
