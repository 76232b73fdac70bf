-- The labelled rows of one snapshot's active cohort, of all customers or those in a range of buckets, in a range of the
-- snapshot's pages: one row per customer.
select customer_id, {columns}
from features.churn_weekly_features
where snapshot_date = {snapshot_date}
  and days_since_activity < {active_days}
  and label_source = any({label_sources})
  and labeled_churn is not null
  and (
      {every_bucket}
      or ops.customer_bucket(customer_id) >= {first_bucket} and ops.customer_bucket(customer_id) < {end_bucket}
  )
  and ctid >= {first_page} and ctid < {end_page}
