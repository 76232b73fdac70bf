-- Assigns the customers chosen for a campaign to its arms: tenths by score, and in each the share of control with the lowest
-- draws. Parameters: campaign_id, salt, control_share, strata; customer_id, score, value, expected_profit: arrays, one
-- element a customer.
with

chosen as (
    select
        chosen.*,
        ntile(%(strata)s) over (order by score, customer_id) as stratum,
        ops.campaign_draw(%(salt)s, customer_id) as draw
    from unnest(
        %(customer_id)s::bigint[], %(score)s::float8[], %(value)s::float8[], %(expected_profit)s::float8[]
    ) as chosen (customer_id, score, value, expected_profit)
),

ranked as (
    select
        chosen.*,
        row_number() over (partition by stratum order by draw, customer_id) as place,
        count(*) over (partition by stratum) as size
    from chosen
)

insert into ops.campaign_assignments (campaign_id, customer_id, arm, stratum, score, value, expected_profit)
select
    %(campaign_id)s,
    customer_id,
    case when place <= round(size * %(control_share)s::numeric) then 'control' else 'contact' end,
    stratum,
    score,
    value,
    expected_profit
from ranked
