-- One row: what a published attempt counted. Parameter: attempt_id.
select
    rows_in, rows_loaded, rows_rejected, rows_copied, rows_superseded, rows_late, rows_not_due, rows_inserted,
    rows_updated, rows_unchanged, rows_deactivated
from ops.crypto_runs
where attempt_id = %(attempt_id)s
