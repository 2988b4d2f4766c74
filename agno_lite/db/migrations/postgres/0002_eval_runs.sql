-- Results of evaluations. They belong to no user: they are the developer's.

create table {schema}.{eval_runs} (
  run_id text primary key,
  seq bigint not null generated always as identity,
  name text,
  eval_type text not null,
  eval_data jsonb not null,
  eval_input jsonb not null,
  evaluated_component_name text,
  agent_id text,
  team_id text,
  model_id text,
  model_provider text,
  created_at timestamptz not null default clock_timestamp()
);
create index on {schema}.{eval_runs} (seq);
