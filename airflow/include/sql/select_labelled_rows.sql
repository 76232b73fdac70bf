-- The rows with a usable label at some snapshots, but for those that a campaign may have changed, of the customers in a
-- range of buckets: one row per customer and snapshot. Parameters: snapshot_dates, churn_days, as_of (NULL: what is known
-- now), first_bucket, end_bucket (excluded).
select {columns}
from features.usable_rows(%(snapshot_dates)s, %(churn_days)s, %(as_of)s)
where ops.customer_bucket(customer_id) >= %(first_bucket)s
  and ops.customer_bucket(customer_id) < %(end_bucket)s
