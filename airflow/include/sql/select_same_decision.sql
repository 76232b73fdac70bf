-- Whether the champion was kept against the same challenger before, on the same rows and grounds.
select 1
from ops.model_promotions
where action = 'keep' and challenger_version = %(challenger_version)s and champion_version = %(champion_version)s
    and evaluation_digest is not distinct from %(evaluation_digest)s and reason = %(reason)s
limit 1
