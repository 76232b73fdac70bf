-- ops.crypto_runs: the newest attempt of one run for one date, locked. Parameters: run_id, snapshot_date.
select
    attempt_id, kind, forced, status, window_from, window_to, rows_in, rows_staged, rows_late, rows_not_due
from ops.crypto_runs
where run_id = %(run_id)s and snapshot_date = %(snapshot_date)s
order by attempt_id desc
limit 1
for no key update
