-- one row per snapshot that has features of this customer, newest first
select snapshot_date
from features.churn_weekly_features
where customer_id = %(customer_id)s
order by snapshot_date desc
