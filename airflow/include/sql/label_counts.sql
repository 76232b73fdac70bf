-- Rows of one snapshot by what their label comes from; unknown: no label yet.
select coalesce(label_source, 'unknown'), count(*)
from features.churn_weekly_features
where snapshot_date = %(snapshot_date)s
group by 1
