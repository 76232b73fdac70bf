-- The labelled rows of the active cohort at some snapshots, of the customers in a range of buckets: one row per customer
-- and snapshot. Parameters: snapshot_dates, active_days, label_sources, first_bucket, end_bucket (excluded).
select {columns}
from features.churn_weekly_features
where snapshot_date = any(%(snapshot_dates)s)
  and days_since_activity < %(active_days)s
  and label_source = any(%(label_sources)s)
  and labeled_churn is not null
  and ops.customer_bucket(customer_id) >= %(first_bucket)s
  and ops.customer_bucket(customer_id) < %(end_bucket)s
