-- the feature row of one customer at one snapshot, if there is one
select *
from features.churn_weekly_features
where customer_id = %(customer_id)s
  and snapshot_date = %(snapshot_date)s
