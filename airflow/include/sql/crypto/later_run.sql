-- A published run that read the history after an attempt did, some of the same days.
-- Parameters: attempt_id, window_from, window_to.
select attempt_id, run_id, snapshot_date
from ops.crypto_runs
where attempt_id > %(attempt_id)s
    and status = 'published'
    and window_from <= %(window_to)s
    and window_to >= %(window_from)s
order by attempt_id desc
limit 1
