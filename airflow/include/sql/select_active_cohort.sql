-- The active cohort of one snapshot, in a range of its pages: one row per customer.
select customer_id, {columns}
from features.churn_weekly_features
where snapshot_date = {snapshot_date}
  and days_since_activity < {active_days}
  and ctid >= {first_page} and ctid < {end_page}
