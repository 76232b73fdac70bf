-- Snapshots whose labels may have changed since they were last looked at, oldest first: other data are loaded and their
-- 60 days were not over then, or the rule is another.
-- Parameters: labels_fingerprint and labels_rule of now.
select snapshot_date
from ops.feature_builds
where labels_rule <> %(labels_rule)s
    or (labels_fingerprint <> %(labels_fingerprint)s and snapshot_date + 60 > labels_cutoff)
order by snapshot_date
