-- When this version was rolled back from, if it has not been promoted since.
select decided_at
from ops.model_promotions as decision
where action = 'rollback' and champion_version = %(version)s
    and not exists (
        select from ops.model_promotions as later
        where later.action = 'promote' and later.production_version = %(version)s
            and later.promotion_id > decision.promotion_id
    )
order by promotion_id desc
limit 1
