-- features.churn_weekly_features (one row per customer and snapshot date, one partition per snapshot date) and the record
-- of its builds.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists features.churn_weekly_features (
    customer_id bigint not null,
    snapshot_date date not null,
    primary key (customer_id, snapshot_date)
) partition by list (snapshot_date);

-- Its columns and their comments come from the catalogue of features.
\set columns `"${ML_PYTHON:-.local/venv/ml/bin/python}" -m ml.snapshots.catalogue`
select :'columns' = '' as columns_missing \gset
\if :columns_missing
do $$ begin raise exception '50_features_tables.sql: "$ML_PYTHON" -m ml.snapshots.catalogue printed no columns'
    using hint = 'Run psql at the root of the repository, with ML_PYTHON naming the Python of the pipeline.'; end $$;
\endif
select format(
    'call ops.ensure_table(%L, %L, %L)', 'features.churn_weekly_features',
    'One row per customer with a payment before snapshot_date. Features are as of snapshot_date, labels as known now.',
    array_agg(array[name, type, meaning] order by position)
)
from rows from (json_to_recordset(:'columns') as (name text, type text, meaning text))
with ordinality as stated (name, type, meaning, position)
\gexec

-- Older versions kept the last build of a snapshot alone.
select 'alter table ops.feature_builds drop constraint feature_builds_pkey'
where to_regclass('ops.feature_builds') is not null
    and not exists (
        select from pg_catalog.pg_attribute
        where attrelid = to_regclass('ops.feature_builds') and attname = 'build_id' and not attisdropped
    )
\gexec
call ops.ensure_table('ops.feature_builds',
    'One row per build of a snapshot of features.churn_weekly_features: what its features and labels are made from.', array[
    ['build_id', 'bigint generated always as identity primary key', 'Order of the builds.'],
    ['snapshot_date', 'date not null', 'Date of the snapshot.'],
    ['sources', 'jsonb not null default ''{}''',
        'Digests of the content of each raw table that features come from, and the extraction month.'],
    ['feature_sql_digest', 'text not null', 'Digest of the SQL that built the features.'],
    ['rows_built', 'bigint not null', 'Customers in the snapshot.'],
    ['rows_inactive_60d', 'bigint not null', 'Customers among them who had churned already: label_source inactive_60d.'],
    ['label_sources', 'jsonb not null default ''{}''',
        'Digests of the content of raw.payments and raw.evaluate that the labels come from.'],
    ['labels_known_through', 'date not null default ''-infinity''',
        'ops.current_data.payments_known_through when the labels were set.'],
    ['labels_rule', 'text not null',
        'What the flag meant, the first day that it spoke of, and the digest of the SQL that set the labels.'],
    ['run_id', 'text not null', 'Run that built the snapshot.'],
    ['location', 'text', 'Folder below LAKE_URL that holds the rows as Parquet, too; NULL: built by PostgreSQL.'],
    ['built_at', 'timestamptz not null default now()', 'When it was built.'],
    ['replaced_at', 'timestamptz', 'When another build replaced its rows; NULL for the rows that are in the table.']
]);
select format('alter table ops.feature_builds drop column %I', attname)
from pg_catalog.pg_attribute
where attrelid = 'ops.feature_builds'::regclass and not attisdropped
    and attname in ('raw_fingerprint', 'labels_fingerprint', 'labels_cutoff') -- of older versions
\gexec
create unique index if not exists feature_builds_current on ops.feature_builds (snapshot_date) where replaced_at is null;
create or replace view ops.current_feature_builds as select * from ops.feature_builds where replaced_at is null;
comment on view ops.current_feature_builds is
    'One row per snapshot in features.churn_weekly_features: the build that its rows come from.';
select format('comment on column ops.current_feature_builds.%I is %L', attname, col_description(attrelid, attnum))
from pg_catalog.pg_attribute
where attrelid = 'ops.feature_builds'::regclass and attnum > 0 and not attisdropped
\gexec
commit;
