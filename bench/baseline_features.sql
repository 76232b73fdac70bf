-- The same snapshot as airflow/include/sql/features_churn.sql, written the straightforward way: aggregates over the
-- whole of raw.payments, and numeric money. Same parameters, same rows; bench/snapshot.py compares the two.
insert into bench.churn_weekly_features
with

input as (
    select
        %(snapshot_date)s::date as t, %(payments_known_through)s::date as p, %(evaluate_cutoff)s::date as c,
        %(extraction_end)s::date as months_end,
        1 + %(months_ahead)s::int as month_1, 2 + %(months_ahead)s::int as month_2, 3 + %(months_ahead)s::int as month_3
),

payments as (
    select
        cus_cust_id_buy,
        coalesce(sum(spent) filter (where fecha >= t - 7), 0) as spent_7d,
        coalesce(sum(spent) filter (where fecha >= t - 30), 0) as spent_30d,
        coalesce(sum(spent) filter (where fecha >= t - 90), 0) as spent_90d,
        coalesce(sum(descuento) filter (where fecha >= t - 30), 0) as total_discount_30d,
        (max(fecha) filter (where fecha >= t - 90) - min(fecha) filter (where fecha >= t - 90))::numeric
        / nullif(count(*) filter (where fecha >= t - 90) - 1, 0) as mean_gap_90d,
        count(*) filter (where fecha >= t - 7) as payments_7d,
        count(*) filter (where fecha >= t - 30) as payments_30d,
        count(*) filter (where fecha >= t - 90) as payments_90d,
        t - max(fecha) as days_since_activity,
        least(t - min(fecha), 90) as tenure_days,
        count(distinct fecha) filter (where fecha >= t - 30) as active_days_30d,
        count(distinct (t - fecha - 1) / 7) filter (where fecha >= t - 90) as active_weeks_90d,
        count(distinct case
            when tpv_segment_detail in ('Cellphone Recharge', 'Transport', 'Instore', 'Utilities', 'Money Transfer')
                then tpv_segment_detail
            else 'Other'
        end) filter (where fecha >= t - 90) as segments_90d
    from raw.payments
    cross join input
    where fecha < t
    group by cus_cust_id_buy, t
),

later as (
    select distinct cus_cust_id_buy, true as has_paid
    from raw.payments
    cross join input
    where fecha >= t and fecha < least(t + 60, p + 1)
)

select
    payments.cus_cust_id_buy, t, spent_7d, spent_30d, spent_90d, total_discount_30d,
    spent_90d / nullif(payments_90d, 0),
    3 * spent_30d / nullif(spent_90d, 0),
    3 * payments_30d::numeric / nullif(payments_90d, 0),
    mean_gap_90d,
    days_since_activity / case when mean_gap_90d < 1 then 1 else mean_gap_90d end,
    (array[plata_cuenta_1, plata_cuenta_2])[month_1],
    (array[plata_cuenta_1, plata_cuenta_2])[month_2],
    spent_ml,
    payments_7d, payments_30d, payments_90d, days_since_activity, tenure_days, frequency_ml, months_end - recency_ml,
    active_days_30d, active_weeks_90d, segments_90d,
    (array[mau_mp_1, mau_mp_2, mau_mp_3])[month_1],
    (array[mau_mp_1, mau_mp_2, mau_mp_3])[month_2],
    (array[mau_mp_1, mau_mp_2, mau_mp_3])[month_3],
    (array[mau_ml_1, mau_ml_2, mau_ml_3])[month_1],
    (array[mau_ml_1, mau_ml_2, mau_ml_3])[month_2],
    (array[mau_ml_1, mau_ml_2, mau_ml_3])[month_3],
    case when t >= months_end then months_end - last_login_mp_date_1 end,
    case when t >= months_end then months_end - last_login_ml_date_1 end,
    (inversion = 'investing')::int, gender, rango_edad, tarjetas, estado,
    label.*
from input
cross join payments
left join later using (cus_cust_id_buy)
left join raw.evaluate using (cus_cust_id_buy)
left join raw.active_user using (cus_cust_id_buy)
left join raw.dinero_cuenta using (cus_cust_id_buy)
left join raw.demograficos using (cus_cust_id_buy)
left join raw.marketplace_data
    on marketplace_data.cus_cust_id_buy = payments.cus_cust_id_buy
    and t >= months_end and (recency_ml < t) is not false
cross join lateral features.churn_label(
    t, p, c, 60, days_since_activity, coalesce(has_paid, false), churn, %(flag_means)s
) as label
