-- Runs of a team's members say which run of the team they are a part of.

alter table {schema}.{runs} add column parent_run_id text;
