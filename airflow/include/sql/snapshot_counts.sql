-- The record of one snapshot's build: number of rows, number of those already churned, and the data they come from.
select rows_built, rows_inactive_60d, raw_fingerprint
from ops.feature_builds
where snapshot_date = %(snapshot_date)s
