-- ops.crypto_runs: a new attempt. Parameters: its columns.
insert into ops.crypto_runs (
    run_id, snapshot_date, kind, forced, window_from, window_to, first_raw_id, first_raw_loaded_at, max_raw_id
)
values (
    %(run_id)s, %(snapshot_date)s, %(kind)s, %(forced)s, %(window_from)s, %(window_to)s, %(first_raw_id)s,
    %(first_raw_loaded_at)s, %(max_raw_id)s
)
returning attempt_id
