-- ops.crypto_runs: an attempt has passed its check. Parameters: attempt_id, message (warnings).
update ops.crypto_runs
set status = 'checked', checked_at = now(), message = %(message)s
where attempt_id = %(attempt_id)s
