-- The record of one snapshot's build: rows, those that had churned already, and the data they come from.
select rows_built, rows_inactive_60d, raw_fingerprint
from ops.feature_builds
where snapshot_date = %(snapshot_date)s
