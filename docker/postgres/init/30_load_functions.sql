-- The loader: functions that bring CSV files into raw, in load_functions/. All are made anew, in one transaction, so that
-- one whose parameters or result have changed leaves nothing behind; not while a load runs, which has them open.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '5min';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset
select pg_advisory_xact_lock(hashtextextended('loader', 0)) as locked \gset
select format('drop function %s', oid::regprocedure)
from pg_catalog.pg_proc
where pronamespace = 'loader'::regnamespace
   or pronamespace = 'ops'::regnamespace and proname in ('load_raw_file', 'replay_raw_rejects')
\gexec
\ir load_functions/1_fields.sql
\ir load_functions/2_files.sql
\ir load_functions/3_landing.sql
\ir load_functions/4_checks.sql
\ir load_functions/5_load.sql
\ir load_functions/6_record.sql
\ir load_functions/7_messages.sql
\ir load_functions/8_replay.sql
commit;
