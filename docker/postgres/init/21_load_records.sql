-- The record of each load of a CSV file, and what the loaded data cover.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- Databases made before the column was renamed.
select format('alter table ops.%I rename column data_complete_through to payments_known_through', relname)
from pg_catalog.pg_attribute
join pg_catalog.pg_class on pg_class.oid = attrelid
where relnamespace = 'ops'::regnamespace and attname = 'data_complete_through' and not attisdropped
\gexec

call ops.ensure_table('ops.raw_loads', 'One row per attempt to load a CSV file.', array[
    ['load_id', 'bigint generated always as identity primary key', 'Number of the attempt.'],
    ['table_name', 'text not null', 'Table that the file belongs to.'],
    ['file_name', 'text not null', 'File below CSV_DIR.'],
    ['file_digest', 'text', 'SHA-256 of the file.'],
    ['file_bytes', 'bigint', 'Size of the file, bytes.'],
    ['rows_in_file', 'bigint', 'Records in the file, header and blank lines not counted: loaded + rejected.'],
    ['rows_loaded', 'bigint', 'Rows that went into the table; 0 when refused.'],
    ['rows_rejected', 'bigint', 'Records in ops.raw_rejects.'],
    ['status', 'text not null check (status in (''loaded'', ''refused'', ''unchanged'', ''replayed''))',
        'loaded; unchanged: the file as loaded before; refused: the table kept its rows; replayed: corrected rejects added.'],
    ['message', 'text', 'Why a load was refused and what to do, or what else is worth knowing.'],
    ['loaded_at', 'timestamptz not null default now()', 'When the load began.'],
    ['first_payment_date', 'date', 'PAYMENTS.csv: first day with a payment.'],
    ['extraction_month', 'date', 'ACTIVE_USER.csv: month -1 of the files, as its first day.'],
    ['payments_known_through', 'date', 'PAYMENTS.csv: last day with a payment.'],
    ['evaluate_cutoff', 'date',
        'EVALUATE.csv: first day that the flag speaks of, as assumed when a file with this digest first came.']
]);
create index if not exists raw_loads_table_name on ops.raw_loads (table_name, load_id);

call ops.ensure_table('ops.raw_rejects', 'One row per record of a CSV file that was not loaded.', array[
    ['reject_id', 'bigint generated always as identity primary key', 'Number of the reject.'],
    ['load_id', 'bigint not null references ops.raw_loads', 'Load that rejected it.'],
    ['file_name', 'text not null', 'File below CSV_DIR.'],
    ['line_number', 'bigint not null', 'Line of the file where the record begins; the header is line 1.'],
    ['line_text', 'text not null',
        'The record as it stands in the file, up to 10,000 characters; bytes that are no text are written \ooo.'],
    ['reason', 'text not null', 'What is wrong, with the value and what was expected.'],
    ['mended_text', 'text', 'The record as it should have been, written by a person for python -m ml.load --replay-rejects.'],
    ['replayed_load_id', 'bigint references ops.raw_loads', 'Load that took the corrected record in.']
]);
create index if not exists raw_rejects_load_id on ops.raw_rejects (load_id);

call ops.ensure_table('ops.stated_dates', 'One row: what .env states in place of the dates found in the files.', array[
    ['one', 'boolean primary key default true check (one)', 'Keeps this table at one row.'],
    ['extraction_month', 'date', 'EXTRACTION_MONTH, as the first day of the month; NULL: not stated.'],
    ['payments_known_through', 'date', 'PAYMENTS_KNOWN_THROUGH; NULL: not stated.'],
    ['evaluate_cutoff', 'date', 'EVALUATE_CUTOFF; NULL: not stated.']
]);
insert into ops.stated_dates default values on conflict do nothing;

create or replace view ops.current_data as
with current_loads as (
    -- what each churn table holds: the last load of its file, and the corrected rejects loaded since
    select raw_loads.*
    from ops.raw_loads
    where status in ('loaded', 'replayed')
      and table_name <> 'raw.bt_crypto_transaction_history'
      and load_id >= (
          select max(latest.load_id) from ops.raw_loads as latest
          where latest.table_name = raw_loads.table_name and latest.status = 'loaded'
      )
),
found as (
    select
        min(first_payment_date) as first_payment_date,
        min(extraction_month) as extraction_month,
        min(payments_known_through) as payments_known_through,
        min(evaluate_cutoff) filter (where table_name = 'raw.evaluate') as evaluate_cutoff,
        string_agg(table_name || ' ' || file_digest, ', ' order by table_name, load_id) as digests
    from current_loads
),
by_source as (
    select jsonb_object_agg(replace(table_name, 'raw.', ''), digests) as sources
    from (
        select table_name, string_agg(file_digest, ' ' order by load_id) as digests from current_loads group by table_name
    ) as digest
),
effective as (
    -- a stated date replaces what was found
    select
        found.first_payment_date,
        coalesce(stated.extraction_month, found.extraction_month) as extraction_month,
        coalesce(stated.payments_known_through, found.payments_known_through) as payments_known_through,
        coalesce(stated.evaluate_cutoff, found.evaluate_cutoff) as evaluate_cutoff,
        found.digests
    from found
    left join ops.stated_dates as stated on found.digests is not null
)
select
    first_payment_date,
    extraction_month,
    payments_known_through,
    evaluate_cutoff,
    md5(concat_ws(' ', digests, extraction_month, payments_known_through, evaluate_cutoff)) as raw_fingerprint,
    sources || jsonb_build_object('extraction_month', extraction_month) as sources
from effective
cross join by_source
where digests is not null
union all
select null, null, null, null, null, null from effective where digests is null;
comment on view ops.current_data is 'One row: what the loaded files cover. NULL where nothing is loaded.';
comment on column ops.current_data.first_payment_date is 'First day with a payment.';
comment on column ops.current_data.extraction_month is 'Month -1 of the files, as its first day.';
comment on column ops.current_data.payments_known_through is 'Last day whose payments are known.';
comment on column ops.current_data.evaluate_cutoff is 'First day that EVALUATE speaks of.';
comment on column ops.current_data.raw_fingerprint is
    'Changes exactly when the loaded churn files or the dates above change; the crypto history is no part of it.';
comment on column ops.current_data.sources is
    'Digests of the content of each raw table, and the extraction month: what features and labels are made from.';
commit;
