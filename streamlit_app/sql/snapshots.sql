-- one row per snapshot that has features, newest first
select snapshot_date
from ops.feature_builds
order by snapshot_date desc
