-- staging.crypto_events: rows of earlier attempts of the same run and date, and of any attempt that was left for long.
-- Parameters: run_id, snapshot_date, keep (interval).
delete from staging.crypto_events
where attempt_id in (
    select attempt_id
    from ops.crypto_runs
    where status <> 'published'
        and (
            (run_id = %(run_id)s and snapshot_date = %(snapshot_date)s)
            or staged_at < now() - %(keep)s::interval
        )
)
