-- Decisions recorded but not carried out, oldest first.
select promotion_id, champion_version, production_version
from ops.model_promotions
where carried_out_at is null
order by promotion_id
