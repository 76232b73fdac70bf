-- ops.crypto_runs: the newest attempt of one run for one date has failed at a step.
-- Parameters: run_id, snapshot_date, message, statuses (those in which the step works).
update ops.crypto_runs
set status = 'failed', message = %(message)s
where status = any(%(statuses)s)
    and attempt_id = (
        select max(attempt_id) from ops.crypto_runs where run_id = %(run_id)s and snapshot_date = %(snapshot_date)s
    )
