-- What the customers of a campaign did in the churn_days from its start: one row per stratum and arm, whether or not the
-- contact reached them. Means and variances over customers: churned, spent (pesos), and worth: the value of who stayed, less
-- what the contact and the offer cost. Parameters: campaign_id, starts_on, churn_days.
with

paid as (
    select cus_cust_id_buy as customer_id, sum(spent)::float8 as spent
    from raw.payments
    where fecha >= %(starts_on)s and fecha < %(starts_on)s + %(churn_days)s
    group by cus_cust_id_buy
),

outcome as (
    select
        stratum,
        arm,
        score,
        (paid.customer_id is null)::int::float8 as churned,
        coalesce(spent, 0) as spent,
        case when paid.customer_id is null then 0 else value end as value_kept,
        case when arm = 'control' then 0 else contact_cost + case when paid.customer_id is null then 0 else offer_cost end end
        as cost
    from ops.campaign_assignments
    join ops.campaigns using (campaign_id)
    left join paid using (customer_id)
    where campaign_id = %(campaign_id)s
)

select
    stratum,
    arm,
    count(*) as customers,
    sum(churned)::bigint as churners,
    avg(score) as mean_score,
    sum(cost) as cost,
    avg(churned) as churned_mean,
    var_samp(churned) as churned_variance,
    avg(spent) as spent_mean,
    var_samp(spent) as spent_variance,
    avg(value_kept - cost) as worth_mean,
    var_samp(value_kept - cost) as worth_variance
from outcome
group by stratum, arm
order by stratum, arm
