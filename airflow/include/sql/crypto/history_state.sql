-- One row: the window of a daily run for snapshot_date, and what the raw history, the events and the earlier runs say
-- about it; its cost does not depend on the length of the history. Parameters: snapshot_date, lookback (days).
with

history as (
    select
        min(ops.crypto_event_date(purchase_date, loaded_at)) as first_date,
        max(ops.crypto_event_date(purchase_date, loaded_at)) as last_date,
        coalesce(max(raw_id), 0) as max_raw_id
    from raw.bt_crypto_transaction_history
),

first_row as (
    select raw_id as first_raw_id, loaded_at as first_raw_loaded_at
    from raw.bt_crypto_transaction_history
    order by raw_id
    limit 1
),

event as (select min(purchase_date) as first_event_date from ops.bt_crypto_events),

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
        on (published.first_raw_id, published.first_raw_loaded_at) = (first_row.first_raw_id, first_row.first_raw_loaded_at)
        or published.first_raw_id < first_row.first_raw_id and published.max_raw_id >= first_row.first_raw_id
        and published.staged_at >= first_row.first_raw_loaded_at
)

select
    *,
    'window' as kind,
    coalesce((select max(snapshot_date) + 1 from published where snapshot_date < %(snapshot_date)s), %(snapshot_date)s)
    - %(lookback)s::int as window_from,
    %(snapshot_date)s::date as window_to,
    least(first_date, first_event_date, %(snapshot_date)s) as history_from,
    exists (
        select from ops.bt_crypto_events
        where is_active
            and purchase_date between %(snapshot_date)s::date - %(lookback)s::int and %(snapshot_date)s::date
    ) as is_loaded_near,
    coalesce(
        (select max_raw_id from same_history order by snapshot_date desc, attempt_id desc limit 1), 0
    ) as arrivals_after,
    -- A transaction that writes raw rows does not last longer than a day.
    coalesce((select max(max_raw_id) from same_history where staged_at < now() - interval '1 day'), 0) as unreadable_after
from history
cross join event
left join first_row on true
