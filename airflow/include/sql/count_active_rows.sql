-- Rows of the active cohort over some snapshots, from the record of their builds: one number.
select coalesce(sum(rows_built - rows_inactive_60d), 0)::bigint
from ops.feature_builds
where snapshot_date = any(%(snapshot_dates)s)
