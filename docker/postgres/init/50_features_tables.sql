-- features.churn_weekly_features (one row per customer and snapshot date, one partition per snapshot date) and the record
-- of its builds.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists features.churn_weekly_features (
    customer_id bigint not null,
    snapshot_date date not null,
    primary key (customer_id, snapshot_date)
) partition by list (snapshot_date);

comment on table features.churn_weekly_features is
    'One row per customer with a payment before snapshot_date. Features are as of snapshot_date, labels as known now.';

-- A new feature starts here: a line with its name, type and meaning. Columns and comments that differ are brought up to date.
create temporary table wanted_column (
    position int generated always as identity, name text, type text, meaning text
) on commit drop;
insert into wanted_column (name, type, meaning) values
('customer_id', 'bigint', 'Buyer: raw.payments.cus_cust_id_buy.'),
('snapshot_date', 'date', 'The features use what was known before this date; [t-30, t) are the 30 days that end the day before it.'),
('spent_7d', 'double precision', 'Pesos paid in the 7 days before snapshot_date; 0 = no payment.'),
('spent_30d', 'double precision', 'Pesos paid in the 30 days before snapshot_date; 0 = no payment.'),
('spent_90d', 'double precision', 'Pesos paid in the 90 days before snapshot_date; 0 = no payment.'),
('total_discount_30d', 'double precision', 'Pesos of discount on the payments of the 30 days before snapshot_date; 0 = none.'),
('spent_per_payment_90d', 'double precision', 'Pesos a payment, spent_90d / payments_90d; NULL without payments in the 90 days.'),
('spent_trend_90d', 'double precision', 'Share of spent_90d that falls in the last 30 days, times 3: 1 = steady, above 1 = rising, 0 = stopped; NULL if spent_90d is 0.'),
('payments_trend_90d', 'double precision', 'Share of payments_90d that falls in the last 30 days, times 3: 1 = steady, above 1 = rising, 0 = stopped; NULL if payments_90d is 0.'),
('mean_gap_90d', 'double precision', 'Mean days between consecutive payments in the 90 days before snapshot_date; NULL with fewer than two.'),
('recency_to_gap_90d', 'double precision', 'days_since_activity / mean_gap_90d, a gap below one day counted as one: how overdue the next payment is; NULL if mean_gap_90d is.'),
('plata_cuenta_1', 'double precision', 'Highest account balance, pesos, in month -1 (the calendar month before the one of snapshot_date); NULL = not known.'),
('plata_cuenta_2', 'double precision', 'Highest account balance, pesos, in month -2; NULL = not known.'),
('spent_ml', 'double precision', 'Pesos spent on MercadoLibre as of the extraction; NULL = no purchase before snapshot_date known, and for everyone before the extraction month has ended.'),
('payments_7d', 'integer', 'Payments in the 7 days before snapshot_date.'),
('payments_30d', 'integer', 'Payments in the 30 days before snapshot_date.'),
('payments_90d', 'integer', 'Payments in the 90 days before snapshot_date.'),
('days_since_activity', 'integer', 'Days from the last payment before snapshot_date to snapshot_date; 1 = the day before.'),
('tenure_days', 'integer', 'Days from the first payment to snapshot_date.'),
('frequency_ml', 'integer', 'Days with a MercadoLibre purchase as of the extraction; NULL as in spent_ml.'),
('days_since_purchase_ml', 'integer', 'Days from the last MercadoLibre purchase to the end of the extraction month; NULL as in spent_ml.'),
('active_days_30d', 'smallint', 'Days with a payment among the 30 before snapshot_date.'),
('active_weeks_90d', 'smallint', 'Seven-day blocks, counted back from snapshot_date, with a payment in the last 90 days; at most 13, the oldest has 6 days.'),
('segments_90d', 'smallint', 'Different payment segments in the last 90 days: the five named ones, all others together as a sixth.'),
('mau_mp_1', 'smallint', 'Days with a visit to the MercadoPago app in month -1; NULL = not known.'),
('mau_mp_2', 'smallint', 'Days with a visit to the MercadoPago app in month -2; NULL = not known.'),
('mau_mp_3', 'smallint', 'Days with a visit to the MercadoPago app in month -3; NULL = not known.'),
('mau_ml_1', 'smallint', 'Days with a visit to the MercadoLibre app in month -1; NULL = not known.'),
('mau_ml_2', 'smallint', 'Days with a visit to the MercadoLibre app in month -2; NULL = not known.'),
('mau_ml_3', 'smallint', 'Days with a visit to the MercadoLibre app in month -3; NULL = not known.'),
('days_since_login_mp', 'smallint', 'Days from the last MercadoPago visit in the extraction month to the end of that month; NULL = none known, and for everyone before that month has ended.'),
('days_since_login_ml', 'smallint', 'Days from the last MercadoLibre visit in the extraction month to the end of that month; NULL as in days_since_login_mp.'),
('has_inversion', 'smallint', '1 = the customer invests (INVERSION is investing), 0 = not, NULL = not known. Taken as constant in time.'),
('gender', 'text', 'male, female or Unknown; NULL = no row. Taken as constant in time.'),
('rango_edad', 'text', 'Age group; NULL = no row. Taken as constant in time.'),
('tarjetas', 'text', 'Main means of payment; NULL = no row. Taken as constant in time.'),
('estado', 'text', 'Province; NULL = no row. Taken as constant in time.'),
('labeled_churn', 'smallint', '1 = no payment within the horizon after snapshot_date, 0 = a payment, NULL = not known yet.'),
('label_source', 'text', 'inactive_60d: 60 days without a payment before snapshot_date, never trained on or scored. observed: from the payments. evaluate: from the flag of raw.evaluate.'),
('label_horizon_days', 'smallint', 'Days after snapshot_date that the label speaks of: 60 if observed, those to the end of the flag''s two months if evaluate, NULL otherwise.');

select format('alter table features.churn_weekly_features add column %I %s', name, type)
from wanted_column
where name not in (select attname from pg_attribute where attrelid = 'features.churn_weekly_features'::regclass)
order by position
\gexec

select format('comment on column features.churn_weekly_features.%I is %L', wanted.name, wanted.meaning)
from wanted_column as wanted
join pg_attribute as present on present.attrelid = 'features.churn_weekly_features'::regclass and present.attname = wanted.name
where col_description(present.attrelid, present.attnum) is distinct from wanted.meaning
\gexec

create table if not exists ops.feature_builds (
    snapshot_date date primary key,
    raw_fingerprint text not null,
    feature_sql_digest text not null,
    rows_built bigint not null,
    rows_inactive_60d bigint not null,
    labels_fingerprint text not null,
    labels_cutoff date not null,
    labels_rule text not null,
    run_id text not null,
    built_at timestamptz not null default now()
);
comment on table ops.feature_builds is
    'One row per snapshot in features.churn_weekly_features: the data and the SQL that its features come from, and the data, cutoff and rule that its labels come from.';
comment on column ops.feature_builds.snapshot_date is 'Date of the snapshot.';
comment on column ops.feature_builds.raw_fingerprint is 'ops.current_data.raw_fingerprint of the data that the features come from.';
comment on column ops.feature_builds.feature_sql_digest is 'Digest of the SQL that built the features.';
comment on column ops.feature_builds.rows_built is 'Customers in the snapshot.';
comment on column ops.feature_builds.rows_inactive_60d is 'Customers among them without a payment in the 60 days before it.';
comment on column ops.feature_builds.labels_fingerprint is 'ops.current_data.raw_fingerprint of the data that the labels come from.';
comment on column ops.feature_builds.labels_cutoff is 'ops.current_data.evaluate_cutoff when they were set.';
comment on column ops.feature_builds.labels_rule is 'What the flag meant, and the digest of the SQL that set the labels.';
comment on column ops.feature_builds.run_id is 'Run that built the snapshot.';
comment on column ops.feature_builds.built_at is 'When it was built.';
commit;
