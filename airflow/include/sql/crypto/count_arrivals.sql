-- Arrivals since an earlier run that lie outside the window of this one.
-- Parameters: arrivals_after, window_from, window_to.
select
    count(*) filter (where ops.crypto_event_date(purchase_date, loaded_at) < %(window_from)s) as rows_late,
    count(*) filter (where ops.crypto_event_date(purchase_date, loaded_at) > %(window_to)s) as rows_not_due
from raw.bt_crypto_transaction_history
where raw_id > %(arrivals_after)s
