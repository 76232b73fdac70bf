-- Load the CSV files below CSV_DIR, each in a transaction of its own; files that are as they were are left alone.
-- SEED_RELOAD=1 loads them all the same, SEED_FORCE=1 accepts a file that shrank by more than half.
\set ON_ERROR_STOP on
\set csv_dir ''
\set reload ''
\set force ''
\set extraction_month ''
\set data_complete_through ''
\set evaluate_cutoff ''
\set churn_means ''
\getenv csv_dir CSV_DIR
\getenv reload SEED_RELOAD
\getenv force SEED_FORCE
\getenv extraction_month EXTRACTION_MONTH
\getenv data_complete_through DATA_COMPLETE_THROUGH
\getenv evaluate_cutoff EVALUATE_CUTOFF
\getenv churn_means EVALUATE_CHURN_MEANS
set lock_timeout = '5min';
\pset tuples_only on
\pset format unaligned

select loader.state_dates(:'extraction_month', :'data_complete_through', :'evaluate_cutoff') as stated \gset
select coalesce(max(load_id), 0) as loads_before from ops.raw_loads \gset

-- The statements that do the work, one a file, so that each commits by itself.
select format(
    'select loader.load_line(ops.load_raw_file(%L, %L, reload => %L, force => %L))',
    table_name, :'csv_dir', :'reload' = '1', :'force' = '1'
)
from loader.raw_files order by file_name like '%/%', file_name
\gexec

-- Marks the new pages as visible to all: index-only scans rely on it.
select format('vacuum %s', table_name)
from (
    select table_name from ops.raw_loads where load_id > :loads_before and status = 'loaded'
    union all
    select 'staging.customers' from ops.raw_loads
    where load_id > :loads_before and status = 'loaded' and table_name = 'raw.payments'
) as loaded
\gexec

select line
from loader.churn_flag_line(:'csv_dir', :'churn_means') as line
where line is not null and exists (
    select from ops.raw_loads where load_id > :loads_before and status = 'loaded' and table_name = 'raw.evaluate'
);

select loader.require_loads(:loads_before) as required \gset
select loader.check_stated_dates() as checked \gset
