-- Scores, promotion decisions, and the hash that keeps held-out customers apart.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create or replace function ops.customer_bucket(customer_id bigint) returns integer
    language sql immutable parallel safe strict
    return (
        (
            ((customer_id & 9223372036854775807) % 2147483647 * 48271 % 2147483647)
            # (((customer_id & 9223372036854775807) % 2147483647 * 48271 % 2147483647) >> 15)
        ) * 69621 % 2147483629 * 1000 / 2147483629
    )::integer;

comment on function ops.customer_bucket(bigint) is
    'Fixed hash of a customer into 0..999; ml/training/holdout.py computes the same. Buckets below 200 are held out of every training.';

create table if not exists ops.churn_scoring (
    customer_id bigint not null,
    snapshot_date date not null,
    primary key (customer_id, snapshot_date)
) partition by list (snapshot_date);
call ops.ensure_table('ops.churn_scoring',
    'Grain: one row per customer of the active cohort and snapshot. Source: python -m ml.infer_batch, which replaces a snapshot whole.', array[
    ['customer_id', 'bigint not null', 'Customer (CUS_CUST_ID_BUY).'],
    ['snapshot_date', 'date not null', 'Snapshot t: the score uses what was known before t.'],
    ['score', 'double precision not null check (score between 0 and 1)',
        'Probability, 0..1, that the customer churns: labeled_churn of features.churn_weekly_features.'],
    ['prediction', 'smallint not null check (prediction in (0, 1))',
        '1 where score reaches the threshold of the model version, else 0.'],
    ['model_version', 'text not null', 'Version of churn-logreg in the MLflow registry that gave the score.'],
    ['scored_at', 'timestamptz not null', 'Start of the scoring run, the same for all rows of a snapshot.']
]);

select to_regclass('ops.scoring_runs') is null as runs_are_new \gset
call ops.ensure_table('ops.scoring_runs',
    'Grain: one row per scoring run whose scores differ from those before it. Source: python -m ml.infer_batch.', array[
    ['scoring_run_id', 'bigint generated always as identity primary key', 'Order of the runs.'],
    ['snapshot_date', 'date not null', 'Snapshot that was scored.'],
    ['model_version', 'text not null', 'Version of churn-logreg that gave the scores.'],
    ['build_id', 'bigint references ops.feature_builds', 'Build of the features; NULL where it is not on record.'],
    ['state', 'text not null check (state in (''complete'', ''missing_features''))',
        'complete, or missing_features: scored by --allow-missing although features were unknown.'],
    ['missing_features', 'jsonb not null default ''{}''',
        'Each such feature with the share of customers without a value, here and in the training.'],
    ['threshold', 'double precision', 'Score from which prediction is 1.'],
    ['rows_scored', 'bigint not null', 'Customers scored.'],
    ['rows_excluded', 'bigint', 'Customers of the snapshot who had churned already.'],
    ['predicted_churn', 'bigint not null', 'Customers with prediction 1.'],
    ['mean_score', 'double precision not null', 'Mean probability.'],
    ['run_id', 'text not null', 'Airflow run, or shell.'],
    ['scored_at', 'timestamptz not null', 'When the run started.'],
    ['replaced_at', 'timestamptz',
        'When another run replaced its scores, which are in ops.churn_scoring_history; NULL: they are in ops.churn_scoring.']
]);
create unique index if not exists scoring_runs_current on ops.scoring_runs (snapshot_date) where replaced_at is null;
\if :runs_are_new
insert into ops.scoring_runs (
    snapshot_date, model_version, state, rows_scored, predicted_churn, mean_score, run_id, scored_at
)
select snapshot_date, min(model_version), 'complete', count(*), sum(prediction), avg(score), 'not on record', min(scored_at)
from ops.churn_scoring
group by snapshot_date;
\endif

create table if not exists ops.churn_scoring_history (
    snapshot_date date not null,
    scoring_run_id bigint not null,
    customer_id bigint not null,
    primary key (snapshot_date, scoring_run_id, customer_id)
) partition by list (snapshot_date);
call ops.ensure_table('ops.churn_scoring_history',
    'Grain: one row per customer and replaced scoring run. Source: python -m ml.infer_batch.', array[
    ['snapshot_date', 'date not null', 'Snapshot that was scored.'],
    ['scoring_run_id', 'bigint not null', 'Run in ops.scoring_runs that gave the score.'],
    ['customer_id', 'bigint not null', 'Customer (CUS_CUST_ID_BUY).'],
    ['score', 'double precision not null', 'Probability, 0..1, that the customer churns.'],
    ['prediction', 'smallint not null', '1 where score reached the threshold of the run, else 0.']
]);

call ops.ensure_table('ops.model_metrics',
    'Grain: one row per figure of a version, on some snapshots and a slice of their customers.', array[
    ['metric_id', 'bigint generated always as identity primary key', 'Order in which they were measured.'],
    ['kind', 'text not null check (kind in (''out_of_time'', ''in_time'', ''backtest'', ''realized''))',
        'out_of_time: snapshots after the training; in_time: held-out customers of its own; backtest: a model trained on what was known on the snapshot; realized: scores that were stored.'],
    ['model_version', 'text', 'Version of churn-logreg; NULL for a backtest, whose models are not registered.'],
    ['snapshot_dates', 'date[] not null', 'Snapshots measured on.'],
    ['slice', 'text not null', 'all, snapshot=date, or column=value.'],
    ['metric', 'text not null', 'Name of the figure; docs/model.md says what it is.'],
    ['value', 'double precision not null', 'The figure.'],
    ['low', 'double precision', 'Lower end of its 95 % interval over draws of customers; NULL where there is none.'],
    ['high', 'double precision', 'Upper end.'],
    ['rows_measured', 'bigint not null', 'Rows measured on.'],
    ['churners', 'bigint not null', 'Churners among them.'],
    ['measured_at', 'timestamptz not null default now()', 'When it was measured.'],
    ['run_id', 'text not null', 'Airflow run, or shell.']
]);
create unique index if not exists model_metrics_one
    on ops.model_metrics (kind, coalesce(model_version, ''), snapshot_dates, slice, metric);

call ops.ensure_table('ops.monitoring',
    'Grain: one row per thing looked at for a snapshot. Source: python -m ml.monitor, which replaces those of a snapshot.', array[
    ['snapshot_date', 'date not null', 'Snapshot that was monitored.'],
    ['check_name', 'text not null', 'What was looked at: drift, share unknown, calibration, volume, …; docs/monitoring.md lists all.'],
    ['subject', 'text not null', 'Feature, file, DAG or snapshots that it is about.'],
    ['value', 'double precision not null', 'What was found; the larger, the worse.'],
    ['warn_above', 'double precision not null', 'Limit above which the state is warn.'],
    ['alert_above', 'double precision not null', 'Limit above which it is alert.'],
    ['state', 'text not null check (state in (''ok'', ''warn'', ''alert''))', 'ok, warn or alert.'],
    ['detail', 'text not null', 'What was found, in words.'],
    ['what_to_do', 'text not null', 'What a person can do about it.'],
    ['model_version', 'text', 'Version of churn-logreg that scored the snapshot; NULL without scores.'],
    ['run_id', 'text not null', 'Airflow run, or shell.'],
    ['monitored_at', 'timestamptz not null default now()', 'When.']
], 'snapshot_date, check_name, subject');

call ops.ensure_table('ops.model_promotions',
    'Grain: one row per decision about which version of churn-logreg is in production. Source: python -m ml.promote.', array[
    ['promotion_id', 'bigint generated always as identity primary key', 'Order of the decisions.'],
    ['decided_at', 'timestamptz not null default now()', 'When the decision was taken.'],
    ['action', 'text not null',
        'promote: the challenger goes into production; keep: it does not, being worse, older, withdrawn or held back; '
        'inconclusive: it does not, for it is not shown to be within the limits; rollback: an earlier version returns; '
        'hold, unhold: automatic promotions stop, or go on; by_hand: found changed in MLflow, respected and put in order.'],
    ['challenger_version', 'text', 'Version that the decision is about; NULL for hold and unhold.'],
    ['champion_version', 'text', 'Version in production before the decision; NULL if there was none.'],
    ['production_version', 'text', 'Version in production once the decision is carried out; NULL if there is none.'],
    ['reason', 'text not null', 'The decision in words, with the figures compared.'],
    ['who', 'text', 'Person, or Airflow run, that decided; NULL before this was recorded.'],
    ['why', 'text', 'Reason that the person gave; NULL for an automatic decision.'],
    ['reference_version', 'text',
        'Version that the challenger was compared with: the best on these rows of those ever in production and not withdrawn.'],
    ['figures', 'jsonb',
        'For log_loss, roc_auc, calibration and share_flagged: value of challenger and reference, loss of the challenger, '
        'its interval (low, high) over draws of customers, and the limit that high must not exceed.'],
    ['evaluation_digest', 'text', 'Digest of the held-out rows that the versions were scored on.'],
    ['heldout_rows', 'bigint', 'Number of held-out rows compared on.'],
    ['challenger_roc_auc', 'double precision', 'ROC AUC of the challenger on those rows.'],
    ['champion_roc_auc', 'double precision', 'ROC AUC of the champion on those rows.'],
    ['challenger_log_loss', 'double precision', 'Log loss of the challenger on those rows, in nats a row.'],
    ['champion_log_loss', 'double precision', 'Log loss of the champion on those rows, in nats a row.'],
    ['run_id', 'text not null', 'Airflow run, or shell.'],
    ['carried_out_at', 'timestamptz',
        'When alias and stage followed in MLflow; NULL until then, and the next run of ml.promote carries it out.'],
    ['is_overtaken', 'boolean not null default false',
        'Whether the alias was moved by hand before the decision was carried out, and so it never was.']
]);
-- Tables made before there were holds: decisions that are about no version, and the actions that came later.
select format('alter table ops.model_promotions alter column %I drop not null', attname)
from pg_catalog.pg_attribute
where attrelid = 'ops.model_promotions'::regclass and attnotnull and attname in ('challenger_version', 'production_version')
\gexec
select 'alter table ops.model_promotions drop constraint if exists model_promotions_action_check,'
    ' add constraint model_promotions_action_check check (action in ('
    '''promote'', ''keep'', ''inconclusive'', ''rollback'', ''hold'', ''unhold'', ''by_hand''))'
where not exists (
    select from pg_catalog.pg_constraint
    where conrelid = 'ops.model_promotions'::regclass and conname = 'model_promotions_action_check'
        and pg_get_constraintdef(oid) like '%by_hand%'
)
\gexec
commit;
