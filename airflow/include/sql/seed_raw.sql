-- Seed raw.bt_crypto_transaction_history anew from CSV_DIR/sample_data/crypto_transaction_history.csv, and no other table.
-- Run by psql as the administrator, after docker/postgres/init: CSV_DIR=/csv psql -f airflow/include/sql/seed_raw.sql
-- All rows are replaced in one transaction; raw_id counts on, so that the new rows are the latest arrivals.
\set ON_ERROR_STOP on
\set csv_dir ''
\set force ''
\getenv csv_dir CSV_DIR
\getenv force SEED_FORCE
set lock_timeout = '5min';
\pset tuples_only on
\pset format unaligned
select coalesce(max(load_id), 0) as loads_before from ops.raw_loads \gset
select loader.load_line(
    ops.load_raw_file('raw.bt_crypto_transaction_history', :'csv_dir', reload => true, force => :'force' = '1')
);
vacuum raw.bt_crypto_transaction_history;
select loader.require_loads(:loads_before) as required \gset
