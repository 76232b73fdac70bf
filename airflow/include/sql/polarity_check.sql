-- One row: customers with a churn flag, those whose flag is 1, and the rank correlation (Spearman) of the flag with the
-- payments in the late_days before evaluate_cutoff. Customers are first counted by number of payments, so that they
-- need not all be sorted; those with the same number share their mean rank. NULL if either side does not vary.
with

late as (
    select cus_cust_id_buy, count(*) as payments
    from raw.payments
    where fecha >= %(evaluate_cutoff)s - %(late_days)s::int and fecha < %(evaluate_cutoff)s
    group by cus_cust_id_buy
),

level as (
    select
        coalesce(late.payments, 0) as payments,
        count(*)::float8 as customers,
        sum(evaluate.churn)::float8 as flagged
    from raw.evaluate
    left join late using (cus_cust_id_buy)
    group by 1
),

ranked as (
    select customers, flagged, sum(customers) over (order by payments) - (customers - 1) / 2 as mean_rank
    from level
),

moments as (
    select
        coalesce(sum(customers), 0) as n,
        coalesce(sum(flagged), 0) as flagged,
        sum(mean_rank * customers) / sum(customers) as centre
    from ranked
)

select
    moments.n::bigint,
    moments.flagged::bigint,
    (
        select sum((mean_rank - centre) * ranked.flagged) / nullif(
            sqrt(sum((mean_rank - centre) ^ 2 * customers) * moments.flagged * (1 - moments.flagged / nullif(n, 0))), 0
        )
        from ranked
    )
from moments
