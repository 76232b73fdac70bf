-- Load CSV_DIR/sample_data/crypto_transaction_history.csv again, and no other file. Run with psql as the administrator
-- at the repository's root, after docker/postgres/init: psql -f airflow/include/sql/seed_raw.sql
-- All rows are replaced in one transaction; raw_id continues, so that the new rows are the latest arrivals.
\set ON_ERROR_STOP on
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv PGUSER :USER
\setenv PGDATABASE :DBNAME
\set said `"${ML_PYTHON:-.local/venv/ml/bin/python}" -m ml.load --table raw.bt_crypto_transaction_history --reload ${SEED_FORCE:+--force} || echo "not loaded"`
\echo :said
select :'said' like '%not loaded' as failed \gset
\if :failed
do $$ begin raise exception 'the crypto history was not loaded, see above'; end $$;
\endif
