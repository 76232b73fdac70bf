-- Rows that an attempt staged, by outcome. Parameter: attempt_id.
select
    count(*) as rows_staged,
    count(*) filter (where outcome = 'load') as rows_loaded,
    count(*) filter (where outcome = 'copy') as rows_copied,
    count(*) filter (where outcome = 'superseded') as rows_superseded,
    count(*) filter (where outcome = 'reject') as rows_rejected
from staging.crypto_events
where attempt_id = %(attempt_id)s
