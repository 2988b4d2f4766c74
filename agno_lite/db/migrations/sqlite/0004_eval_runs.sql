-- Results of evaluations. They belong to no user: they are the developer's.

create table {eval_runs} (
  seq integer primary key,
  run_id text not null unique,
  name text,
  eval_type text not null,
  eval_data text not null,
  eval_input text not null,
  evaluated_component_name text,
  agent_id text,
  team_id text,
  model_id text,
  model_provider text,
  created_at real not null
);
