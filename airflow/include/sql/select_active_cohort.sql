-- The active cohort of one snapshot: one row per customer.
select customer_id, {features}
from features.churn_weekly_features
where snapshot_date = {snapshot_date}
  and days_since_activity < {active_days}
