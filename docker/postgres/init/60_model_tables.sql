-- Scores, promotion decisions, and the hash that keeps held-out customers apart.

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
    score double precision not null check (score between 0 and 1),
    prediction smallint not null check (prediction in (0, 1)),
    model_version text not null,
    scored_at timestamptz not null,
    primary key (customer_id, snapshot_date)
) partition by list (snapshot_date);

comment on table ops.churn_scoring is
    'Grain: one row per customer of the active cohort and snapshot. Source: python -m ml.infer_batch, which replaces a snapshot whole.';
comment on column ops.churn_scoring.customer_id is 'Customer (CUS_CUST_ID_BUY).';
comment on column ops.churn_scoring.snapshot_date is 'Snapshot t: the score uses what was known before t.';
comment on column ops.churn_scoring.score is 'Probability, 0..1, that the customer churns: labeled_churn of features.churn_weekly_features.';
comment on column ops.churn_scoring.prediction is '1 where score reaches the threshold of the model version, else 0.';
comment on column ops.churn_scoring.model_version is 'Version of churn-logreg in the MLflow registry that gave the score.';
comment on column ops.churn_scoring.scored_at is 'Start of the scoring run, the same for all rows of a snapshot.';

create table if not exists ops.model_promotions (
    promotion_id bigint generated always as identity primary key,
    decided_at timestamptz not null default now(),
    action text not null check (action in ('promote', 'keep', 'rollback')),
    challenger_version text not null,
    champion_version text,
    production_version text not null,
    reason text not null,
    evaluation_digest text,
    heldout_rows bigint,
    challenger_roc_auc double precision,
    champion_roc_auc double precision,
    challenger_log_loss double precision,
    champion_log_loss double precision,
    run_id text not null,
    carried_out_at timestamptz
);

comment on table ops.model_promotions is
    'Grain: one row per decision about which version of churn-logreg is in production. Source: python -m ml.promote.';
comment on column ops.model_promotions.promotion_id is 'Order of the decisions.';
comment on column ops.model_promotions.decided_at is 'When the decision was taken.';
comment on column ops.model_promotions.action is
    'promote: the challenger replaces the champion; keep: it does not; rollback: the challenger is a previous champion that returns.';
comment on column ops.model_promotions.challenger_version is 'Version that the decision is about.';
comment on column ops.model_promotions.champion_version is 'Version in production before the decision; NULL for the first.';
comment on column ops.model_promotions.production_version is 'Version in production once the decision is carried out.';
comment on column ops.model_promotions.reason is 'Why, with the figures compared.';
comment on column ops.model_promotions.evaluation_digest is 'Digest of the held-out rows that both versions were scored on.';
comment on column ops.model_promotions.heldout_rows is 'Number of held-out rows compared on.';
comment on column ops.model_promotions.challenger_roc_auc is 'ROC AUC of the challenger on those rows.';
comment on column ops.model_promotions.champion_roc_auc is 'ROC AUC of the champion on those rows.';
comment on column ops.model_promotions.challenger_log_loss is 'Log loss of the challenger on those rows, in nats a row.';
comment on column ops.model_promotions.champion_log_loss is 'Log loss of the champion on those rows, in nats a row.';
comment on column ops.model_promotions.run_id is 'Airflow run, or shell.';
comment on column ops.model_promotions.carried_out_at is
    'When alias and stage followed in MLflow; NULL until then, and the next run of ml.promote carries it out.';
