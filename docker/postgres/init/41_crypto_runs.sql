-- The records of the daily run of the crypto events: its attempts and the rows that they rejected.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists ops.crypto_runs (
    attempt_id bigint generated always as identity primary key,
    run_id text not null,
    snapshot_date date not null,
    kind text not null check (kind in ('window', 'full', 'replay')),
    forced boolean not null,
    status text not null default 'staged' check (status in ('staged', 'checked', 'failed', 'published')),
    message text,
    window_from date not null,
    window_to date not null,
    first_raw_id bigint,
    first_raw_loaded_at timestamptz,
    max_raw_id bigint not null,
    rows_in bigint,
    rows_staged bigint,
    rows_rejected bigint,
    rows_copied bigint,
    rows_superseded bigint,
    rows_late bigint,
    rows_not_due bigint,
    rows_loaded bigint,
    rows_inserted bigint,
    rows_updated bigint,
    rows_unchanged bigint,
    rows_deactivated bigint,
    staged_at timestamptz not null default now(),
    checked_at timestamptz,
    published_at timestamptz
);
comment on table ops.crypto_runs is
    'One row per attempt to bring ops.bt_crypto_events up to date: its window, how far it came and what it counted. rows_in = rows_loaded + rows_rejected + rows_copied + rows_superseded + rows_late + rows_not_due; rows_loaded = rows_inserted + rows_updated + rows_unchanged.';
comment on column ops.crypto_runs.attempt_id is 'Order of staging.';
comment on column ops.crypto_runs.run_id is 'Airflow run, or shell.';
comment on column ops.crypto_runs.snapshot_date is 'Date that the run was for.';
comment on column ops.crypto_runs.kind is 'window, full (all history up to the date) or replay (of corrected rejects).';
comment on column ops.crypto_runs.forced is 'Whether an empty window or many deactivations were allowed.';
comment on column ops.crypto_runs.status is 'staged, checked, failed (the contract is broken) or published (all is committed).';
comment on column ops.crypto_runs.message is 'What the check said when it failed, or warned of.';
comment on column ops.crypto_runs.window_from is 'First purchase date that the run read.';
comment on column ops.crypto_runs.window_to is 'Last purchase date that the run read.';
comment on column ops.crypto_runs.first_raw_id is 'Lowest raw_id at staging; with its load time it tells whether the history was replaced since.';
comment on column ops.crypto_runs.first_raw_loaded_at is 'Load time of the row first_raw_id.';
comment on column ops.crypto_runs.max_raw_id is 'Highest raw_id at staging: later arrivals have higher ones.';
comment on column ops.crypto_runs.rows_in is 'Raw rows accounted for: those of the window, unreadable ones not rejected before, arrivals outside the window.';
comment on column ops.crypto_runs.rows_staged is 'Rows that went to staging.crypto_events.';
comment on column ops.crypto_runs.rows_rejected is 'Rows rejected, see ops.crypto_rejects.';
comment on column ops.crypto_runs.rows_copied is 'Exact copies of a row with the same key and price.';
comment on column ops.crypto_runs.rows_superseded is 'Rows whose price a later arrival corrected.';
comment on column ops.crypto_runs.rows_late is 'Arrivals since the run for the latest date, dated before the window: not read without full_refresh.';
comment on column ops.crypto_runs.rows_not_due is 'Arrivals since the run for the latest date, dated after this run''s date.';
comment on column ops.crypto_runs.rows_loaded is 'Purchases in the window.';
comment on column ops.crypto_runs.rows_inserted is 'Purchases that were new.';
comment on column ops.crypto_runs.rows_updated is 'Purchases that changed or became active again.';
comment on column ops.crypto_runs.rows_unchanged is 'Purchases that were there already, not touched.';
comment on column ops.crypto_runs.rows_deactivated is 'Purchases of the window that are gone from the history.';
comment on column ops.crypto_runs.staged_at is 'When the rows were read.';
comment on column ops.crypto_runs.checked_at is 'When the contract was last checked.';
comment on column ops.crypto_runs.published_at is 'When the events were written.';

create table if not exists ops.crypto_rejects (
    raw_id bigint not null,
    loaded_at timestamptz not null,
    original jsonb not null,
    reason text not null,
    status text not null default 'open' check (status in ('open', 'mended', 'gone')),
    attempt_id bigint not null references ops.crypto_runs,
    rejected_at timestamptz not null default now(),
    closed_at timestamptz,
    primary key (raw_id, loaded_at)
);
comment on table ops.crypto_rejects is
    'One row per raw crypto row that was rejected. Mend the row in raw.bt_crypto_transaction_history, or the contract, then: python -m ml.crypto_events replay.';
comment on column ops.crypto_rejects.raw_id is 'Row of the raw history.';
comment on column ops.crypto_rejects.loaded_at is 'When that row was loaded; a history loaded again may use a raw_id again.';
comment on column ops.crypto_rejects.original is 'The row as it was when it was rejected.';
comment on column ops.crypto_rejects.reason is 'Everything that is wrong with it.';
comment on column ops.crypto_rejects.status is 'open; mended: the row has been accepted since; gone: it is no longer in the history.';
comment on column ops.crypto_rejects.attempt_id is 'Run that rejected it, see ops.crypto_runs.';
comment on column ops.crypto_rejects.rejected_at is 'When it was rejected, or last found wrong in another way.';
comment on column ops.crypto_rejects.closed_at is 'When it was mended or gone.';
commit;

select 'create index crypto_runs_run on ops.crypto_runs (run_id, snapshot_date)'
where to_regclass('ops.crypto_runs_run') is null \gexec
select 'create index crypto_rejects_open on ops.crypto_rejects (raw_id) where status = ''open'''
where to_regclass('ops.crypto_rejects_open') is null \gexec
