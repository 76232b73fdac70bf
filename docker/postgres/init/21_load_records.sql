-- The record of each load of a CSV file, and what the loaded data cover.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists ops.raw_loads (load_id bigint generated always as identity primary key);
select bool_or(ops.ensure_column('ops.raw_loads', stated.name, stated.definition)) as added
from (values
    ('table_name', 'text not null'),
    ('file_name', 'text not null'),
    ('file_digest', 'text'),
    ('file_bytes', 'bigint'),
    ('rows_in_file', 'bigint'),
    ('rows_loaded', 'bigint'),
    ('rows_rejected', 'bigint'),
    ('status', 'text not null check (status in (''loaded'', ''refused'', ''unchanged'', ''replayed''))'),
    ('message', 'text'),
    ('loaded_at', 'timestamptz not null default now()'),
    ('first_payment_date', 'date'),
    ('extraction_month', 'date'),
    ('data_complete_through', 'date'),
    ('evaluate_cutoff', 'date')
) as stated (name, definition)
\gset
comment on table ops.raw_loads is 'One row per attempt to load a CSV file.';
comment on column ops.raw_loads.load_id is 'Number of the attempt.';
comment on column ops.raw_loads.table_name is 'Table that the file belongs to.';
comment on column ops.raw_loads.file_name is 'File below CSV_DIR.';
comment on column ops.raw_loads.file_digest is 'SHA-256 of the file.';
comment on column ops.raw_loads.file_bytes is 'Size of the file, bytes.';
comment on column ops.raw_loads.rows_in_file is
    'Records in the file, header and blank lines not counted: loaded + rejected.';
comment on column ops.raw_loads.rows_loaded is 'Rows that went into the table; 0 when refused.';
comment on column ops.raw_loads.rows_rejected is 'Records in ops.raw_rejects.';
comment on column ops.raw_loads.status is
    'loaded; unchanged: the file as loaded before; refused: the table kept its rows; replayed: corrected rejects added.';
comment on column ops.raw_loads.message is 'Why a load was refused and what to do, or what else is worth knowing.';
comment on column ops.raw_loads.loaded_at is 'When the load began.';
comment on column ops.raw_loads.first_payment_date is 'PAYMENTS.csv: first day with a payment.';
comment on column ops.raw_loads.extraction_month is 'ACTIVE_USER.csv: month -1 of the files, as its first day.';
comment on column ops.raw_loads.data_complete_through is 'PAYMENTS.csv: last day with a payment.';
comment on column ops.raw_loads.evaluate_cutoff is
    'PAYMENTS.csv: first day that EVALUATE speaks of, the day after the last payment.';
create index if not exists raw_loads_table_name on ops.raw_loads (table_name, load_id);

create table if not exists ops.raw_rejects (reject_id bigint generated always as identity primary key);
select bool_or(ops.ensure_column('ops.raw_rejects', stated.name, stated.definition)) as added
from (values
    ('load_id', 'bigint not null references ops.raw_loads'),
    ('file_name', 'text not null'),
    ('line_number', 'bigint not null'),
    ('line_text', 'text not null'),
    ('reason', 'text not null'),
    ('mended_text', 'text'),
    ('replayed_load_id', 'bigint references ops.raw_loads')
) as stated (name, definition)
\gset
comment on table ops.raw_rejects is 'One row per record of a CSV file that was not loaded.';
comment on column ops.raw_rejects.reject_id is 'Number of the reject.';
comment on column ops.raw_rejects.load_id is 'Load that rejected it.';
comment on column ops.raw_rejects.file_name is 'File below CSV_DIR.';
comment on column ops.raw_rejects.line_number is 'Line of the file where the record begins; the header is line 1.';
comment on column ops.raw_rejects.line_text is
    'The record as it stands in the file, up to 10,000 characters; bytes that are no text are written \ooo.';
comment on column ops.raw_rejects.reason is 'What is wrong, with the value and what was expected.';
comment on column ops.raw_rejects.mended_text is
    'The record as it should have been, written by a person for python -m ml.load --replay-rejects.';
comment on column ops.raw_rejects.replayed_load_id is 'Load that took the corrected record in.';
create index if not exists raw_rejects_load_id on ops.raw_rejects (load_id);

create table if not exists ops.stated_dates (
    one boolean primary key default true check (one),
    extraction_month date,
    data_complete_through date,
    evaluate_cutoff date
);
comment on table ops.stated_dates is 'One row: what .env states in place of the dates found in the files.';
comment on column ops.stated_dates.one is 'Keeps this table at one row.';
comment on column ops.stated_dates.extraction_month is
    'EXTRACTION_MONTH, as the first day of the month; NULL: not stated.';
comment on column ops.stated_dates.data_complete_through is 'DATA_COMPLETE_THROUGH; NULL: not stated.';
comment on column ops.stated_dates.evaluate_cutoff is 'EVALUATE_CUTOFF; NULL: not stated.';
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
        min(data_complete_through) as data_complete_through,
        min(evaluate_cutoff) as evaluate_cutoff,
        string_agg(table_name || ' ' || file_digest, ', ' order by table_name, load_id) as digests
    from current_loads
),
effective as (
    -- a stated date replaces what was found, and the cutoff follows the stated end of the data
    select
        found.first_payment_date,
        coalesce(stated.extraction_month, found.extraction_month) as extraction_month,
        coalesce(stated.data_complete_through, found.data_complete_through) as data_complete_through,
        coalesce(stated.evaluate_cutoff, stated.data_complete_through + 1, found.evaluate_cutoff) as evaluate_cutoff,
        found.digests
    from found
    left join ops.stated_dates as stated on found.digests is not null
)
select
    first_payment_date,
    extraction_month,
    data_complete_through,
    evaluate_cutoff,
    md5(concat_ws(' ', digests, extraction_month, data_complete_through, evaluate_cutoff)) as raw_fingerprint
from effective
where digests is not null
union all
select null, null, null, null, null from effective where digests is null;
comment on view ops.current_data is 'One row: what the loaded files cover. NULL where nothing is loaded.';
comment on column ops.current_data.first_payment_date is 'First day with a payment.';
comment on column ops.current_data.extraction_month is 'Month -1 of the files, as its first day.';
comment on column ops.current_data.data_complete_through is 'Last day whose payments are known.';
comment on column ops.current_data.evaluate_cutoff is 'First day that EVALUATE speaks of.';
comment on column ops.current_data.raw_fingerprint is
    'Changes exactly when the loaded churn files or the dates above change; the crypto history is no part of it.';
commit;
