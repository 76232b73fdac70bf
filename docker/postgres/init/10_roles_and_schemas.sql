-- Roles, databases and schemas. Run with psql as the administrator at every start: changed passwords take effect, and
-- rights that were granted by hand are revoked.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';  -- longer than the idle time-outs of the reading roles below

\set pipeline_password ''
\set reader_password ''
\set notebook_password ''
\set campaign_password ''
\set airflow_password ''
\set mlflow_password ''
\set owner_password ''
\set airflow_db airflow
\set mlflow_db mlflow
\getenv pipeline_password PIPELINE_DB_PASSWORD
\getenv reader_password READER_DB_PASSWORD
\getenv notebook_password NOTEBOOK_DB_PASSWORD
\getenv campaign_password CAMPAIGN_DB_PASSWORD
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv mlflow_password MLFLOW_DB_PASSWORD
\getenv owner_password OWNER_DB_PASSWORD
\getenv airflow_db AIRFLOW_DB
\getenv mlflow_db MLFLOW_DB

begin;
-- Roles belong to the whole server: the lock on their catalogue prevents two starts from altering them at once.
lock table pg_catalog.pg_authid in share row exclusive mode;
-- The statements below contain passwords: keep them out of the server's log.
set local log_statement = 'none';
set local log_min_error_statement = 'panic';
set local log_min_duration_statement = -1;

create temporary table stated_roles on commit drop as
select role_name, password, variable
from (values
    ('meli_pipeline', :'pipeline_password', 'PIPELINE_DB_PASSWORD'),
    ('meli_reader', :'reader_password', 'READER_DB_PASSWORD'),
    ('meli_notebook', :'notebook_password', 'NOTEBOOK_DB_PASSWORD'),
    ('meli_campaign', :'campaign_password', 'CAMPAIGN_DB_PASSWORD'),
    ('meli_airflow', :'airflow_password', 'AIRFLOW_DB_PASSWORD'),
    ('meli_mlflow', :'mlflow_password', 'MLFLOW_DB_PASSWORD')
) as stated (role_name, password, variable);

do $$
declare
    stated record;
begin
    for stated in select * from pg_temp.stated_roles loop
        if stated.password = '' then
            raise exception '% is not set: give role % a password in .env', stated.variable, stated.role_name;
        end if;
        if not exists (select from pg_catalog.pg_roles where rolname = stated.role_name) then
            execute format('create role %I', stated.role_name);
        end if;
        execute format(
            'alter role %I with login nosuperuser nocreatedb nocreaterole noreplication nobypassrls password %L',
            stated.role_name, stated.password
        );
    end loop;
end
$$;

-- The administrator's password, for a server that accepts this script without one (a container's local socket).
select format('alter role %I with password %L', current_user, :'owner_password') where :'owner_password' <> '' \gexec

-- Roles that only read must not block others, neither by a long statement nor by an idle transaction.
alter role meli_reader set default_transaction_read_only = on;
alter role meli_reader set statement_timeout = '60s';
alter role meli_reader set lock_timeout = '10s';
alter role meli_reader set idle_in_transaction_session_timeout = '30s';
alter role meli_notebook set search_path = sandbox, public;
alter role meli_notebook set statement_timeout = '10min';
alter role meli_notebook set lock_timeout = '10s';
alter role meli_notebook set idle_in_transaction_session_timeout = '60s';
alter role meli_campaign set statement_timeout = '5min';
alter role meli_campaign set idle_in_transaction_session_timeout = '5min';
alter role meli_pipeline set idle_in_transaction_session_timeout = '10min';
commit;

select format('create database %I owner %I', wanted.name, wanted.owner)
from (values (:'airflow_db', 'meli_airflow'), (:'mlflow_db', 'meli_mlflow')) as wanted (name, owner)
where not exists (select from pg_catalog.pg_database where datname = wanted.name)
\gexec

-- Each role may connect to its own database only.
select format('revoke all on database %I from public', name)
from (values (current_database()::text), (:'airflow_db'), (:'mlflow_db'), ('postgres'), ('template1')) as closed (name)
where exists (select from pg_catalog.pg_database where datname = name)
\gexec
select format('grant connect on database %I to meli_pipeline, meli_reader, meli_notebook, meli_campaign', current_database()) \gexec
select format('grant temporary on database %I to meli_pipeline', current_database()) \gexec

begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset
create schema if not exists raw;
create schema if not exists staging;
create schema if not exists features;
create schema if not exists ops;
create schema if not exists sandbox authorization meli_notebook;
revoke create on schema public from public;
comment on schema raw is 'What the CSV files say, row by row. Written by ml.load alone.';
comment on schema staging is 'Steps between raw and the tables that are read.';
comment on schema features is 'What models learn from, one row per customer and snapshot.';
comment on schema ops is 'What the pipeline produces and records: events, scores, loads, builds, promotions, campaigns.';
comment on schema sandbox is 'The notebooks'' own place; nothing in the pipeline reads it.';

-- Brings an old table up to date. ALTER TABLE ... ADD COLUMN IF NOT EXISTS would take an exclusive lock even where
-- there is nothing to add, and would wait for every open reader.
create or replace function ops.ensure_column(target regclass, column_name text, definition text) returns boolean
language plpgsql as $$
begin
    if exists (
        select from pg_catalog.pg_attribute
        where attrelid = target and attname = column_name and not attisdropped
    ) then
        return false;
    end if;
    execute format('alter table %s add column %I %s', target, column_name, definition);
    return true;
end
$$;
comment on function ops.ensure_column is
    'Add a column to a table unless it is there, and say whether it was added; locks the table only to add it.';

create or replace procedure ops.ensure_table(
    target text, meaning text, columns text[], primary_key text default null
) language plpgsql as $$
declare
    stated text[];
begin
    if to_regclass(target) is null then
        execute format('create table %s ()', target);
    end if;
    execute format('comment on table %s is %L', target, meaning);
    foreach stated slice 1 in array columns loop
        perform ops.ensure_column(target::regclass, stated[1], stated[2]);
        execute format('comment on column %s.%I is %L', target, stated[1], stated[3]);
    end loop;
    if not exists (select from pg_catalog.pg_constraint where conrelid = target::regclass and contype = 'p') then
        execute format('alter table %s add primary key (%s)', target, primary_key);
    end if;
end
$$;
comment on procedure ops.ensure_table is
    'Create a table or add the columns that it lacks, each given by name, definition and meaning; a key of several columns is given apart.';
commit;
