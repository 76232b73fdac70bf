-- Rights of the roles. Run after all tables exist; revokes rights that were granted by hand.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

revoke all on schema raw, staging, features, ops, sandbox from public;
revoke all on schema raw, staging, features, ops from meli_pipeline, meli_reader, meli_notebook, meli_campaign;
revoke all on all tables in schema raw, staging, features, ops
    from public, meli_pipeline, meli_reader, meli_notebook, meli_campaign;
revoke all on all sequences in schema raw, staging, features, ops
    from public, meli_pipeline, meli_reader, meli_notebook, meli_campaign;
revoke all on all routines in schema raw, staging, features, ops
    from public, meli_pipeline, meli_reader, meli_notebook, meli_campaign;

grant usage on schema raw, staging, features, ops to meli_pipeline, meli_reader, meli_notebook;
grant select on all tables in schema raw, staging, features, ops to meli_pipeline, meli_reader, meli_notebook;
grant insert, update, delete on all tables in schema staging, features, ops to meli_pipeline;
grant truncate on all tables in schema staging to meli_pipeline;
grant usage on all sequences in schema staging, features, ops to meli_pipeline;
grant execute on all functions in schema staging, features, ops to meli_pipeline;
grant execute on function features.is_usable_label, features.is_changed_by_contact, features.usable_rows,
    ops.campaign_draw, ops.is_campaign_holdout to meli_reader, meli_notebook;

-- Campaigns are created by a role that does nothing else, and what it records stays: it adds rows and changes none.
grant usage on schema features, ops to meli_campaign;
grant select on ops.churn_scoring, ops.scoring_runs, features.churn_weekly_features to meli_campaign;
grant select, insert on ops.campaigns, ops.campaign_assignments to meli_campaign;
grant execute on function ops.campaign_draw, ops.campaign_arms, ops.is_campaign_holdout to meli_campaign;
revoke insert, update, delete on ops.campaigns, ops.campaign_assignments from meli_pipeline;

-- Notebooks read rows with the functions that training uses, and draw arms as a campaign does.
grant execute on function ops.customer_bucket, ops.campaign_arms to meli_notebook;

-- Only the administrator writes the records of loads.
revoke insert, update, delete on ops.raw_loads, ops.raw_rejects, ops.stated_dates from meli_pipeline;
revoke execute on function ops.ensure_column from meli_pipeline;

-- The same rights for tables created later, such as a partition for a new snapshot.
alter default privileges in schema raw, staging, features, ops
    grant select on tables to meli_pipeline, meli_reader, meli_notebook;
alter default privileges in schema staging, features, ops grant insert, update, delete on tables to meli_pipeline;
alter default privileges in schema staging, features, ops grant usage on sequences to meli_pipeline;
alter default privileges revoke execute on functions from public;

-- The notebooks own their schema, even if another role created it.
select format('alter schema sandbox owner to %I', 'meli_notebook') \gexec
commit;
