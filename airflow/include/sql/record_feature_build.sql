-- ops.feature_builds: one row per snapshot, the last build of it.
insert into ops.feature_builds (
    snapshot_date, raw_fingerprint, feature_sql_digest, rows_built, rows_inactive_60d,
    labels_fingerprint, labels_cutoff, labels_rule, run_id
)
values (
    %(snapshot_date)s, %(raw_fingerprint)s, %(feature_sql_digest)s, %(rows_built)s, %(rows_inactive_60d)s,
    %(labels_fingerprint)s, %(labels_cutoff)s, %(labels_rule)s, %(run_id)s
)
on conflict (snapshot_date) do update set
    raw_fingerprint = excluded.raw_fingerprint,
    feature_sql_digest = excluded.feature_sql_digest,
    rows_built = excluded.rows_built,
    rows_inactive_60d = excluded.rows_inactive_60d,
    labels_fingerprint = excluded.labels_fingerprint,
    labels_cutoff = excluded.labels_cutoff,
    labels_rule = excluded.labels_rule,
    run_id = excluded.run_id,
    built_at = excluded.built_at
