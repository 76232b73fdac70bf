-- The raw tables, one per CSV file and one row per record of it; a column that an old database lacks is added.
-- Their columns are defined in ml/loading/files.py, which the loader uses too.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
\set tables `"$ML_PYTHON" -m ml.loading.tables || echo "ML_PYTHON -m ml.loading.tables failed"`
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- Earlier versions loaded the files by functions in the database.
drop schema if exists loader cascade;
drop function if exists ops.load_raw_file(text, text, boolean, boolean), ops.replay_raw_rejects();

:tables;

-- The source of the crypto history changes: these columns record how its rows arrived.
select bool_or(ops.ensure_column('raw.bt_crypto_transaction_history', stated.name, stated.definition)) as added
from (values
    ('raw_id', 'bigint generated always as identity primary key'),
    ('loaded_at', 'timestamptz not null default now()')
) as stated (name, definition)
\gset
comment on column raw.bt_crypto_transaction_history.raw_id is 'Order of arrival: a later row has a higher number.';
comment on column raw.bt_crypto_transaction_history.loaded_at is 'When the row was loaded.';
commit;

-- Payments are stored sorted by day, so that a BRIN index is enough to find a window of days.
select 'create index payments_fecha on raw.payments using brin (fecha)'
where to_regclass('raw.payments_fecha') is null \gexec
select 'create index payments_customer_fecha on raw.payments (cus_cust_id_buy, fecha)'
where to_regclass('raw.payments_customer_fecha') is null \gexec
