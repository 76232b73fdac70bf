-- One row: what the raw history, the events and the earlier runs say about a run for snapshot_date.
-- Parameters: snapshot_date, lookback_days, commit_lag (no transaction that writes raw rows lasts longer).
with

first_row as (
    select raw_id, loaded_at
    from raw.bt_crypto_transaction_history
    order by raw_id
    limit 1
),

published as (
    select *
    from ops.crypto_runs
    where status = 'published' and kind <> 'replay'
),

-- Arrivals are counted on from an earlier run only while the history is the one that it saw: its oldest row was there
-- then, whether or not rows before it have been deleted since.
same_history as (
    select published.*
    from published
    inner join first_row
        on published.first_raw_id = first_row.raw_id and published.first_raw_loaded_at = first_row.loaded_at
        or published.first_raw_id < first_row.raw_id and published.max_raw_id >= first_row.raw_id
        and published.staged_at >= first_row.loaded_at
)

select
    (select min(ops.crypto_event_date(purchase_date, loaded_at)) from raw.bt_crypto_transaction_history) as first_date,
    (select max(ops.crypto_event_date(purchase_date, loaded_at)) from raw.bt_crypto_transaction_history) as last_date,
    (select raw_id from first_row) as first_raw_id,
    (select loaded_at from first_row) as first_raw_loaded_at,
    coalesce((select max(raw_id) from raw.bt_crypto_transaction_history), 0) as max_raw_id,
    (select min(purchase_date) from ops.bt_crypto_events) as first_event_date,
    exists (
        select from ops.bt_crypto_events
        where is_active
            and purchase_date between %(snapshot_date)s::date - %(lookback_days)s::int and %(snapshot_date)s::date
    ) as is_loaded_near,
    (select max(snapshot_date) from published where snapshot_date < %(snapshot_date)s) as last_run_date,
    coalesce(
        (select max_raw_id from same_history order by snapshot_date desc, attempt_id desc limit 1), 0
    ) as arrivals_after,
    coalesce(
        (select max(max_raw_id) from same_history where staged_at < now() - %(commit_lag)s::interval), 0
    ) as unreadable_after
