-- ops.crypto_runs: an attempt is published. Parameters: attempt_id and the counts.
update ops.crypto_runs
set
    status = 'published',
    published_at = now(),
    rows_loaded = %(rows_loaded)s,
    rows_rejected = %(rows_rejected)s,
    rows_copied = %(rows_copied)s,
    rows_superseded = %(rows_superseded)s,
    rows_inserted = %(rows_inserted)s,
    rows_updated = %(rows_updated)s,
    rows_unchanged = %(rows_unchanged)s,
    rows_deactivated = %(rows_deactivated)s
where attempt_id = %(attempt_id)s
