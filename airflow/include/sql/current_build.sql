-- The build whose rows a snapshot has: its number, the number of rows, of those already churned, and what it is made from.
select build_id, rows_built, rows_inactive_60d, sources
from ops.current_feature_builds
where snapshot_date = %(snapshot_date)s
