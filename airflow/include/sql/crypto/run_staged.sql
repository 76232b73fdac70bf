-- ops.crypto_runs: what an attempt has staged. Parameters: attempt_id, window_from, window_to and the counts.
update ops.crypto_runs
set
    window_from = %(window_from)s,
    window_to = %(window_to)s,
    rows_in = %(rows_staged)s + %(rows_late)s + %(rows_not_due)s,
    rows_staged = %(rows_staged)s,
    rows_late = %(rows_late)s,
    rows_not_due = %(rows_not_due)s
where attempt_id = %(attempt_id)s
