-- The version that was in production when this one was promoted last. Rollbacks do not count: going back twice goes on
-- to the version before.
select champion_version
from ops.model_promotions
where action = 'promote' and production_version = %(version)s and champion_version is not null
order by promotion_id desc
limit 1
