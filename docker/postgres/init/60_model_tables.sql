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

call ops.ensure_table('ops.model_promotions',
    'Grain: one row per decision about which version of churn-logreg is in production. Source: python -m ml.promote.', array[
    ['promotion_id', 'bigint generated always as identity primary key', 'Order of the decisions.'],
    ['decided_at', 'timestamptz not null default now()', 'When the decision was taken.'],
    ['action', 'text not null check (action in (''promote'', ''keep'', ''rollback''))',
        'promote: the challenger replaces the champion; keep: it does not; rollback: the challenger is a previous champion that returns.'],
    ['challenger_version', 'text not null', 'Version that the decision is about.'],
    ['champion_version', 'text', 'Version in production before the decision; NULL for the first.'],
    ['production_version', 'text not null', 'Version in production once the decision is carried out.'],
    ['reason', 'text not null', 'Why, with the figures compared.'],
    ['evaluation_digest', 'text', 'Digest of the held-out rows that both versions were scored on.'],
    ['heldout_rows', 'bigint', 'Number of held-out rows compared on.'],
    ['challenger_roc_auc', 'double precision', 'ROC AUC of the challenger on those rows.'],
    ['champion_roc_auc', 'double precision', 'ROC AUC of the champion on those rows.'],
    ['challenger_log_loss', 'double precision', 'Log loss of the challenger on those rows, in nats a row.'],
    ['champion_log_loss', 'double precision', 'Log loss of the champion on those rows, in nats a row.'],
    ['run_id', 'text not null', 'Airflow run, or shell.'],
    ['carried_out_at', 'timestamptz',
        'When alias and stage followed in MLflow; NULL until then, and the next run of ml.promote carries it out.']
]);
commit;
