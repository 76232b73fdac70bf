-- The labelled rows of one snapshot's active cohort, of the customers in a range of buckets: one row per customer.
select customer_id, labeled_churn, label_source, label_horizon_days, {features}
from features.churn_weekly_features
where snapshot_date = {snapshot_date}
  and days_since_activity < {active_days}
  and label_source = any({label_sources})
  and labeled_churn is not null
  and ops.customer_bucket(customer_id) >= {first_bucket}
  and ops.customer_bucket(customer_id) < {end_bucket}
