-- The feature rows of a snapshot that are there, recorded as a fresh build. Parameters: snapshot_date, digest (of the
-- feature SQL).
insert into ops.feature_builds (
    snapshot_date, raw_fingerprint, feature_sql_digest, rows_built, rows_inactive_60d,
    labels_fingerprint, labels_cutoff, labels_rule, run_id
)
select
    snapshot_date, raw_fingerprint, %(digest)s, count(*), count(*) filter (where days_since_activity >= 60),
    raw_fingerprint, evaluate_cutoff, '', 'synthetic'
from features.churn_weekly_features
cross join ops.current_data
where snapshot_date = %(snapshot_date)s
group by snapshot_date, raw_fingerprint, evaluate_cutoff
on conflict (snapshot_date) do update set
    raw_fingerprint = excluded.raw_fingerprint,
    rows_built = excluded.rows_built,
    rows_inactive_60d = excluded.rows_inactive_60d
