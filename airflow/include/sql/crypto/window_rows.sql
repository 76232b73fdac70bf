-- Raw rows of one attempt: the window by date, and what has no date by arrival, unless it was rejected before.
-- Filled in: window_from, window_to, unreadable_after.
select *
from raw.bt_crypto_transaction_history
where ops.crypto_event_date(purchase_date, loaded_at) between {window_from} and {window_to}

union all

select *
from raw.bt_crypto_transaction_history as history
where ops.crypto_event_date(purchase_date, loaded_at) is null
    and raw_id > {unreadable_after}
    and not exists (
        select from ops.crypto_rejects as known
        where known.raw_id = history.raw_id and known.loaded_at = history.loaded_at and known.status = 'open'
    )
