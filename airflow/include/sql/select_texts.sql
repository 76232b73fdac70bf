-- Text columns of some customers at one snapshot. Parameters: $1 its date, $2 the customers.
select {columns}
from features.churn_weekly_features
where snapshot_date = $1 and customer_id = any($2)
