-- The build whose rows a snapshot has: its number, the number of rows, of those already churned, and what it is made from;
-- location: the folder below LAKE_URL that has the rows as Parquet, if Spark built them.
select build_id, rows_built, rows_inactive_60d, sources, location
from ops.current_feature_builds
where snapshot_date = %(snapshot_date)s
