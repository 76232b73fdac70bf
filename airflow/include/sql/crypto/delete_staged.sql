-- staging.crypto_events: rows of earlier attempts of the same run and date, and of any attempt that was left for long.
-- Parameters: run_id, snapshot_date, keep (interval).
delete from staging.crypto_events as staged
using ops.crypto_runs as run
where staged.attempt_id = run.attempt_id
    and run.status <> 'published'
    and (
        (run.run_id = %(run_id)s and run.snapshot_date = %(snapshot_date)s)
        or run.staged_at < now() - %(keep)s::interval
    )
