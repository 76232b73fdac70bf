-- ops.feature_builds: what the labels of one snapshot follow from now.
update ops.feature_builds
set
    labels_fingerprint = %(labels_fingerprint)s,
    labels_cutoff = %(labels_cutoff)s,
    labels_rule = %(labels_rule)s
where snapshot_date = %(snapshot_date)s
