-- Share of the active rows (those without 60 days of silence before the snapshot) that have a label, by snapshot.
select snapshot_date, count(labeled_churn)::float8 / count(*)
from features.churn_weekly_features
where snapshot_date = any(%(snapshot_dates)s) and label_source is distinct from 'inactive_60d'
group by snapshot_date
