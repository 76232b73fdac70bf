-- ops.crypto_rejects, marked: open rejects whose raw row an attempt has accepted. Parameter: attempt_id.
update ops.crypto_rejects as reject
set status = 'mended', closed_at = now()
from staging.crypto_events as staged
where staged.attempt_id = %(attempt_id)s
    and staged.outcome <> 'reject'
    and reject.raw_id = staged.raw_id
    and reject.loaded_at = staged.loaded_at
    and reject.status = 'open'
