-- Updates the labels of one snapshot of features.churn_weekly_features to the data loaded now; only rows that change.
-- Parameters: snapshot_date; churn_days; payments_known_through; evaluate_cutoff, the first day that the churn flag speaks
-- of; flag_means.

with

later_payment as (
    select distinct cus_cust_id_buy as customer_id
    from raw.payments
    where fecha >= %(snapshot_date)s
        and fecha < least(%(snapshot_date)s + %(churn_days)s, %(payments_known_through)s + 1)
),

label as (
    select feature.customer_id, now_known.*
    from features.churn_weekly_features as feature
    left join later_payment using (customer_id)
    left join raw.evaluate on evaluate.cus_cust_id_buy = feature.customer_id
    cross join lateral features.churn_label(
        %(snapshot_date)s, %(payments_known_through)s, %(evaluate_cutoff)s, %(churn_days)s, feature.days_since_activity,
        later_payment.customer_id is not null, evaluate.churn, %(flag_means)s
    ) as now_known
    where feature.snapshot_date = %(snapshot_date)s
)

update features.churn_weekly_features as feature
set
    labeled_churn = label.labeled_churn,
    label_source = label.label_source,
    label_horizon_days = label.label_horizon_days
from label
where feature.snapshot_date = %(snapshot_date)s
    and feature.customer_id = label.customer_id
    and (feature.labeled_churn, feature.label_source, feature.label_horizon_days)
    is distinct from (label.labeled_churn, label.label_source, label.label_horizon_days)
