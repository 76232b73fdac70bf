-- The crypto events, the records of their daily run, and the indexes with which it finds its rows.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- The raw history has its dates as text. Both functions are IMMUTABLE, so that an index can use them.
create or replace function ops.crypto_purchase_date(purchase_date text) returns date
language plpgsql immutable strict parallel safe as $$
declare
    stated constant text := btrim(purchase_date, E' \t\n\v\f\r\u00a0');
    day int;
    month int;
    year int;
    found date;
begin
    if stated !~ '^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$' then
        return null;
    end if;
    day := split_part(stated, '/', 1);
    month := split_part(stated, '/', 2);
    year := split_part(stated, '/', 3);
    if year = 0 or month not between 1 and 12 then
        return null;
    end if;
    found := make_date(year, month, 1) + day - 1;
    return case when extract(month from found) = month then found end;
end
$$;
comment on function ops.crypto_purchase_date is
    'The date that a text of the form D/M/YYYY states, leading zeros and blanks around it or not; NULL for every other text.';

create or replace function ops.crypto_event_date(purchase_date text, loaded_at timestamptz) returns date
language plpgsql immutable parallel safe as $$
declare
    stated date := ops.crypto_purchase_date(purchase_date);
begin
    return case when stated <= (loaded_at at time zone 'UTC')::date then stated end;
end
$$;
comment on function ops.crypto_event_date is
    'The day of a purchase; NULL where the text is not a date or the date lies after the load of the row (UTC).';

call ops.ensure_table('ops.bt_crypto_events',
    'One row per crypto purchase: site, user, day, coin and units. Source: raw.bt_crypto_transaction_history, by etl_crypto_events_d.', array[
    ['site_id', 'text not null', 'Site of the purchase, trimmed and upper case.'],
    ['user_id', 'bigint not null', 'Customer who bought.'],
    ['purchase_date', 'date not null', 'Day of the purchase.'],
    ['crypto_type', 'text not null', 'Coin, trimmed and upper case.'],
    ['purchase_units', 'numeric not null', 'Units bought; other units are another purchase.'],
    ['purchase_price', 'numeric not null', 'Price of one unit, US dollars; of several for one purchase the last that arrived.'],
    ['purchase_value', 'numeric not null check (purchase_value = purchase_price * purchase_units)',
        'purchase_price × purchase_units, US dollars, exact.'],
    ['is_active', 'boolean not null default true', 'false: the purchase is no longer in the raw history.'],
    ['raw_id', 'bigint not null', 'Row of the raw history that says so: the first of the last arrivals that agree on the price.'],
    ['first_loaded_at', 'timestamptz not null default now()', 'When the purchase was first loaded.'],
    ['updated_at', 'timestamptz not null default now()', 'When the row last changed.']
], primary_key => 'purchase_date, site_id, user_id, crypto_type, purchase_units');

call ops.ensure_table('ops.crypto_runs',
    'One row per attempt to bring ops.bt_crypto_events up to date: its window, how far it came and what it counted. rows_in = rows_loaded + rows_rejected + rows_copied + rows_superseded + rows_late + rows_not_due; rows_loaded = rows_inserted + rows_updated + rows_unchanged.', array[
    ['attempt_id', 'bigint generated always as identity primary key', 'Order of staging.'],
    ['run_id', 'text not null', 'Airflow run, or shell.'],
    ['snapshot_date', 'date not null', 'Date that the run was for.'],
    ['kind', 'text not null check (kind in (''window'', ''full'', ''replay''))',
        'window, full (all history up to the date) or replay (of corrected rejects).'],
    ['forced', 'boolean not null', 'Whether an empty window or many deactivations were allowed.'],
    ['status', 'text not null default ''staged'' check (status in (''staged'', ''checked'', ''failed'', ''published''))',
        'staged, checked, failed (the contract is broken) or published (all is committed).'],
    ['message', 'text', 'What the check said when it failed, or warned of.'],
    ['window_from', 'date not null', 'First purchase date that the run read.'],
    ['window_to', 'date not null', 'Last purchase date that the run read.'],
    ['first_raw_id', 'bigint', 'Lowest raw_id at staging; with its load time it tells whether the history was replaced since.'],
    ['first_raw_loaded_at', 'timestamptz', 'Load time of the row first_raw_id.'],
    ['max_raw_id', 'bigint not null', 'Highest raw_id at staging: later arrivals have higher ones.'],
    ['rows_in', 'bigint',
        'Raw rows accounted for: those of the window, unreadable ones not rejected before, arrivals outside the window.'],
    ['rows_staged', 'bigint', 'Rows that went to staging.crypto_events.'],
    ['rows_rejected', 'bigint', 'Rows rejected, see ops.crypto_rejects.'],
    ['rows_copied', 'bigint', 'Exact copies of a row with the same key and price.'],
    ['rows_superseded', 'bigint', 'Rows whose price a later arrival corrected.'],
    ['rows_late', 'bigint',
        'Arrivals since the run for the latest date, dated before the window: not read without full_refresh.'],
    ['rows_not_due', 'bigint', 'Arrivals since the run for the latest date, dated after this run''s date.'],
    ['rows_loaded', 'bigint', 'Purchases in the window.'],
    ['rows_inserted', 'bigint', 'Purchases that were new.'],
    ['rows_updated', 'bigint', 'Purchases that changed or became active again.'],
    ['rows_unchanged', 'bigint', 'Purchases that were there already, not touched.'],
    ['rows_deactivated', 'bigint', 'Purchases of the window that are gone from the history.'],
    ['staged_at', 'timestamptz not null default now()', 'When the rows were read.'],
    ['checked_at', 'timestamptz', 'When the contract was last checked.'],
    ['published_at', 'timestamptz', 'When the events were written.']
]);

call ops.ensure_table('ops.crypto_rejects',
    'One row per raw crypto row that was rejected. Correct the row in raw.bt_crypto_transaction_history, or the contract, then: python -m ml.crypto_events replay.', array[
    ['raw_id', 'bigint not null', 'Row of the raw history.'],
    ['loaded_at', 'timestamptz not null', 'When that row was loaded; a history loaded again may use a raw_id again.'],
    ['original', 'jsonb not null', 'The row as it was when it was rejected.'],
    ['reason', 'text not null', 'Everything that is wrong with it.'],
    ['status', 'text not null default ''open'' check (status in (''open'', ''mended'', ''gone''))',
        'open; mended: the row has been accepted since; gone: it is no longer in the history.'],
    ['attempt_id', 'bigint not null references ops.crypto_runs', 'Run that rejected it, see ops.crypto_runs.'],
    ['rejected_at', 'timestamptz not null default now()', 'When it was rejected, or last found wrong in another way.'],
    ['closed_at', 'timestamptz', 'When it was mended or gone.']
], primary_key => 'raw_id, loaded_at');

call ops.ensure_table('staging.crypto_events',
    'One row per raw crypto row that an attempt read, converted and judged; emptied when the attempt is published.', array[
    ['attempt_id', 'bigint not null references ops.crypto_runs on delete cascade',
        'Attempt that read the row, see ops.crypto_runs.'],
    ['raw_id', 'bigint not null', 'Row of the raw history.'],
    ['loaded_at', 'timestamptz not null', 'When that row was loaded.'],
    ['original', 'jsonb not null', 'The row as it is in the raw history.'],
    ['site_id', 'text', 'Site, trimmed and upper case; NULL where blank.'],
    ['user_id', 'bigint', 'Customer who bought.'],
    ['purchase_date', 'date', 'Day of the purchase; NULL where the text is no date that can be.'],
    ['crypto_type', 'text', 'Coin, trimmed and upper case; NULL where blank.'],
    ['purchase_units', 'numeric', 'Units bought.'],
    ['purchase_price', 'numeric', 'Price of one unit, US dollars.'],
    ['purchase_value', 'numeric', 'purchase_price × purchase_units, US dollars.'],
    ['outcome', 'text not null check (outcome in (''load'', ''copy'', ''superseded'', ''reject''))',
        'load: the purchase; copy: the same key and price as another row; superseded: another price, corrected later; reject.'],
    ['reject_reason', 'text check ((outcome = ''reject'') = (reject_reason is not null))',
        'Everything that is wrong with a rejected row.']
], primary_key => 'attempt_id, raw_id');
commit;

-- The window is found by date and rows without a readable date by arrival, at a cost independent of the history.
select 'create index bt_crypto_transaction_history_event_date on raw.bt_crypto_transaction_history'
    ' (ops.crypto_event_date(purchase_date, loaded_at), raw_id)'
where to_regclass('raw.bt_crypto_transaction_history_event_date') is null \gexec
select 'create index crypto_runs_run on ops.crypto_runs (run_id, snapshot_date)'
where to_regclass('ops.crypto_runs_run') is null \gexec
select 'create index crypto_rejects_open on ops.crypto_rejects (raw_id) where status = ''open'''
where to_regclass('ops.crypto_rejects_open') is null \gexec
