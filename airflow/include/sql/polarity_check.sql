-- One row: customers with a churn flag, those whose flag is 1, and the rank correlation (Spearman) of the flag with the
-- payments in the late_days before evaluate_cutoff; customers with the same number of payments share their mean rank.
-- NULL if either side does not vary.
with

late as (
    select cus_cust_id_buy, count(*) as payments
    from raw.payments
    where fecha >= %(evaluate_cutoff)s - %(late_days)s::int and fecha < %(evaluate_cutoff)s
    group by cus_cust_id_buy
),

customer as (
    select evaluate.churn, coalesce(late.payments, 0) as payments
    from raw.evaluate
    left join late using (cus_cust_id_buy)
),

ranked as (
    select churn, rank() over (order by payments) + (count(*) over (partition by payments) - 1) / 2.0::float8 as mean_rank
    from customer
)

select count(*), coalesce(sum(churn), 0), corr(churn, mean_rank)
from ranked
