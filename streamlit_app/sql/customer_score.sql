-- the score that the weekly batch stored for one customer at one snapshot, if there is one
select
    score,
    prediction,
    model_version,
    scored_at
from ops.churn_scoring
where customer_id = %(customer_id)s
  and snapshot_date = %(snapshot_date)s
