-- Rows of features.churn_weekly_features that look like a build's, for one snapshot date: shapes, types, NULL shares and
-- tails of the real ones, and a label that follows from a latent activity z per customer. Nothing here comes from
-- payments. Parameters: snapshot_date, customers.
insert into features.churn_weekly_features (
    customer_id, snapshot_date, spent_7d, spent_30d, spent_90d, total_discount_30d, spent_per_payment_90d,
    spent_trend_90d, payments_trend_90d, mean_gap_90d, recency_to_gap_90d, plata_cuenta_1, plata_cuenta_2,
    payments_7d, payments_30d, payments_90d, days_since_activity, tenure_days, active_days_30d, active_weeks_90d,
    segments_90d, mau_mp_1, mau_mp_2, mau_ml_1, mau_ml_2, has_inversion,
    gender, rango_edad, tarjetas, estado, labeled_churn, label_source, label_horizon_days
)
with

latent as (
    select
        id * 97 + 1276 as customer_id,
        sqrt(-2 * ln(1 - u)) * cos(2 * pi() * v) as z,
        random() as r1, random() as r2, random() as r3, random() as r4, random() as r5
    from generate_series(1, %(customers)s) as id
    cross join lateral (
        select
            (hashint8extended(id, 1) & 1048575)::float8 / 1048576 as u,
            (hashint8extended(id, 2) & 1048575)::float8 / 1048576 as v
    ) as uniform
),

activity as (
    select
        *,
        1 + floor(exp(1.4 + 0.9 * z + r1))::int as payments_90d,
        least(85, floor(-ln(1 - r2) * exp(2.3 - 0.7 * z)))::int + 1 as days_since_activity
    from latent
),

windows as (
    select
        *,
        floor(payments_90d * r3 * (days_since_activity <= 30)::int)::int as payments_30d,
        exp(4 + 1.5 * r4 + 0.5 * z) as spent_per_payment_90d
    from activity
)

select
    customer_id, %(snapshot_date)s::date,
    payments_30d * spent_per_payment_90d * 0.2 * (days_since_activity <= 7)::int,
    payments_30d * spent_per_payment_90d,
    payments_90d * spent_per_payment_90d,
    payments_30d * r5 * 20,
    spent_per_payment_90d,
    3.0 * payments_30d / payments_90d,
    3.0 * payments_30d / payments_90d,
    case when payments_90d > 1 then 80.0 / payments_90d end,
    case when payments_90d > 1 then days_since_activity / greatest(1, 80.0 / payments_90d) end,
    case when r1 < 0.95 then greatest(0, exp(8 * r2) - 30) end,
    case when r1 < 0.92 then greatest(0, exp(8 * r3) - 30) end,
    floor(payments_30d * 0.2 * (days_since_activity <= 7)::int)::int,
    payments_30d, payments_90d, days_since_activity, 30 + floor(r4 * 61)::int,
    least(30, payments_30d), least(13, payments_90d), 1 + floor(r5 * 5)::int,
    case when r4 < 0.85 then floor(31 / (1 + exp(-z - 2 * r1)))::int end,
    case when r4 < 0.81 then floor(31 / (1 + exp(-z - 2 * r2)))::int end,
    case when r5 < 0.85 then floor(31 * r3)::int end,
    case when r5 < 0.81 then floor(31 * r1)::int end,
    case when r1 < 0.98 then (r2 < 0.13)::int end,
    (array['male', 'female', 'Unknown', null])[1 + floor(r3 * 4)::int],
    '0' || (1 + floor(r4 * 8)::int)::text || '. Entre edades',
    (array['Credit Card', 'Account Money', 'Debit Card', 'Ticket', null])[1 + floor(r1 * r1 * 5)::int],
    'provincia ' || floor(r5 * r5 * r5 * 32)::text,
    case when days_since_activity >= 60 then 1 else (random() < 1 / (1 + exp(0.3 + 1.1 * z)))::int end,
    case when days_since_activity >= 60 then 'inactive_60d' else 'observed' end,
    case when days_since_activity >= 60 then null else 60 end
from windows
order by customer_id
