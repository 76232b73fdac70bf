-- The loader: functions that bring CSV files into raw, in load_functions/. All are made anew, in one transaction, so
-- that one whose parameters or result have changed leaves nothing behind; not while a load runs, which has them open.
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
\ir load_functions/fields.sql
\ir load_functions/files.sql
\ir load_functions/lines.sql
\ir load_functions/landing.sql
\ir load_functions/days.sql
\ir load_functions/rejects.sql
\ir load_functions/tables.sql
\ir load_functions/ways.sql
\ir load_functions/record.sql
\ir load_functions/load.sql
\ir load_functions/messages.sql
\ir load_functions/dates.sql
\ir load_functions/replay.sql
commit;
