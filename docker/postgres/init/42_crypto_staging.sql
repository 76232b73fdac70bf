-- The rows between the steps of the crypto events' daily run.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists staging.crypto_events (
    attempt_id bigint not null references ops.crypto_runs on delete cascade,
    raw_id bigint not null,
    loaded_at timestamptz not null,
    original jsonb not null,
    site_id text,
    user_id bigint,
    purchase_date date,
    crypto_type text,
    purchase_units numeric,
    purchase_price numeric,
    purchase_value numeric,
    outcome text not null check (outcome in ('load', 'copy', 'superseded', 'reject')),
    reject_reason text check ((outcome = 'reject') = (reject_reason is not null)),
    primary key (attempt_id, raw_id)
);
comment on table staging.crypto_events is
    'One row per raw crypto row that an attempt read, converted and judged; emptied when the attempt is published.';
comment on column staging.crypto_events.attempt_id is 'Attempt that read the row, see ops.crypto_runs.';
comment on column staging.crypto_events.raw_id is 'Row of the raw history.';
comment on column staging.crypto_events.loaded_at is 'When that row was loaded.';
comment on column staging.crypto_events.original is 'The row as it is in the raw history.';
comment on column staging.crypto_events.site_id is 'Site, trimmed and upper case; NULL where blank.';
comment on column staging.crypto_events.user_id is 'Customer who bought.';
comment on column staging.crypto_events.purchase_date is 'Day of the purchase; NULL where the text is no date that can be.';
comment on column staging.crypto_events.crypto_type is 'Coin, trimmed and upper case; NULL where blank.';
comment on column staging.crypto_events.purchase_units is 'Units bought.';
comment on column staging.crypto_events.purchase_price is 'Price of one unit, US dollars.';
comment on column staging.crypto_events.purchase_value is 'purchase_price × purchase_units, US dollars.';
comment on column staging.crypto_events.outcome is
    'load: the purchase; copy: the same key and price as another row; superseded: another price, corrected later; reject.';
comment on column staging.crypto_events.reject_reason is 'Everything that is wrong with a rejected row.';
commit;
