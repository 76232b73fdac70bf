-- ops.crypto_rejects, one row per rejected raw row: what an attempt rejected and was not known as such.
-- Parameter: attempt_id.
insert into ops.crypto_rejects as known (raw_id, loaded_at, original, reason, attempt_id)
select raw_id, loaded_at, original, reject_reason, attempt_id
from staging.crypto_events
where attempt_id = %(attempt_id)s and outcome = 'reject'
on conflict (raw_id, loaded_at) do update
set
    original = excluded.original,
    reason = excluded.reason,
    status = 'open',
    attempt_id = excluded.attempt_id,
    rejected_at = now(),
    closed_at = null
where (known.original, known.reason, known.status) <> (excluded.original, excluded.reason, 'open')
