-- Load the six CSV files and the crypto history below CSV_DIR with `python -m ml.load`, as the role and into the database
-- that psql is connected to. SEED_RELOAD=1 loads unchanged files too; SEED_FORCE=1 accepts a file that shrank by more than
-- half.
\set ON_ERROR_STOP on
\setenv PGHOST :HOST
\setenv PGPORT :PORT
\setenv PGUSER :USER
\setenv PGDATABASE :DBNAME
\set said `"${ML_PYTHON:-.local/venv/ml/bin/python}" -m ml.load ${SEED_RELOAD:+--reload} ${SEED_FORCE:+--force} || echo "not loaded"`
\echo :said
select :'said' like '%not loaded' as failed \gset
\if :failed
do $$ begin raise exception 'not every file was loaded, see above'; end $$;
\endif
