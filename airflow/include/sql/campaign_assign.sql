-- Assigns the customers chosen for a campaign to its arms. Parameters: campaign_id, salt, control_share, strata; customer_id,
-- score, value, expected_profit: arrays, one element a customer.
insert into ops.campaign_assignments (campaign_id, customer_id, arm, stratum, score, value, expected_profit)
select
    %(campaign_id)s,
    chosen.customer_id,
    arms.arm,
    arms.stratum,
    chosen.score,
    chosen.value,
    chosen.expected_profit
from unnest(
    %(customer_id)s::bigint[], %(score)s::float8[], %(value)s::float8[], %(expected_profit)s::float8[]
) as chosen (customer_id, score, value, expected_profit)
join ops.campaign_arms(
    %(salt)s, %(control_share)s, %(strata)s, %(customer_id)s::bigint[], %(score)s::float8[]
) as arms on arms.customer_id = chosen.customer_id
