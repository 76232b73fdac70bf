-- One row: of the rejects that an attempt has judged anew, how many pass and are due, their days, and how many do not.
-- Parameters: attempt_id, snapshot_date.
select
    count(*) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as rows_mended,
    count(*) filter (where outcome <> 'reject' and purchase_date > %(snapshot_date)s) as rows_mended_not_due,
    count(*) filter (where outcome = 'reject') as rows_still_rejected,
    min(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as window_from,
    max(purchase_date) filter (where outcome <> 'reject' and purchase_date <= %(snapshot_date)s) as window_to
from staging.crypto_events
where attempt_id = %(attempt_id)s
