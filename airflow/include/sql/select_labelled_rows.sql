-- The rows with a usable label at some snapshots, of the customers in a range of buckets: one row per customer and
-- snapshot. Parameters: snapshot_dates, churn_days, as_of (NULL: what is known now), first_bucket, end_bucket (excluded).
select {columns}
from features.churn_weekly_features
where snapshot_date = any(%(snapshot_dates)s)
  and features.is_usable_label(snapshot_date, label_horizon_days, %(churn_days)s, %(as_of)s)
  and ops.customer_bucket(customer_id) >= %(first_bucket)s
  and ops.customer_bucket(customer_id) < %(end_bucket)s
