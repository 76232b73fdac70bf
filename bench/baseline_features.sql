-- The same snapshot as airflow/include/sql/features_churn.sql, written the straightforward way: aggregates over the
-- whole of raw.payments, numeric money, one upsert. Same parameters, same rows; bench/snapshot.py compares the two.

insert into bench.churn_weekly_features (
    customer_id, snapshot_date, tenure_days, days_since_activity,
    spent_7d, spent_30d, spent_90d, total_discount_30d, payments_7d, payments_30d, payments_90d,
    active_days_30d, active_weeks_90d, segments_90d,
    spent_per_payment_90d, spent_trend_90d, payments_trend_90d, mean_gap_90d, recency_to_gap_90d,
    mau_mp_1, mau_mp_2, mau_mp_3, mau_ml_1, mau_ml_2, mau_ml_3, days_since_login_mp, days_since_login_ml,
    plata_cuenta_1, plata_cuenta_2, has_inversion, gender, rango_edad, tarjetas, estado,
    spent_ml, frequency_ml, days_since_purchase_ml,
    labeled_churn, label_source, label_horizon_days
)
with

input as (
    select
        %(snapshot_date)s::date as t, %(evaluate_cutoff)s::date as c, %(extraction_end)s::date as months_end,
        %(months_ahead)s::int as months_before
),

payment as (
    select
        p.*, t, c, t - 7 as t_7, t - 30 as t_30, t - 90 as t_90,
        case
            when tpv_segment_detail in ('Cellphone Recharge', 'Transport', 'Instore', 'Utilities', 'Money Transfer')
                then tpv_segment_detail
            else 'Other'
        end as segment
    from raw.payments as p
    cross join input
),

payments as (
    select
        cus_cust_id_buy as customer_id,
        min(t) - min(fecha) as tenure_days,
        min(t) - max(fecha) as days_since_activity,
        coalesce(sum(spent) filter (where fecha >= t_7), 0) as spent_7d,
        coalesce(sum(spent) filter (where fecha >= t_30), 0) as spent_30d,
        coalesce(sum(spent) filter (where fecha >= t_90), 0) as spent_90d,
        coalesce(sum(descuento) filter (where fecha >= t_30), 0) as total_discount_30d,
        count(*) filter (where fecha >= t_7) as payments_7d,
        count(*) filter (where fecha >= t_30) as payments_30d,
        count(*) filter (where fecha >= t_90) as payments_90d,
        count(distinct fecha) filter (where fecha >= t_30) as active_days_30d,
        count(distinct (t - fecha - 1) / 7) filter (where fecha >= t_90) as active_weeks_90d,
        count(distinct segment) filter (where fecha >= t_90) as segments_90d,
        (max(fecha) filter (where fecha >= t_90) - min(fecha) filter (where fecha >= t_90))::numeric
        / nullif(count(*) filter (where fecha >= t_90) - 1, 0) as mean_gap_90d
    from payment
    where fecha < t
    group by cus_cust_id_buy
),

later_payment as (
    select distinct cus_cust_id_buy as customer_id
    from payment
    where fecha >= t and fecha < least(t + 60, c)
),

known as (
    select
        input.*,
        payments.*,
        later_payment.customer_id is not null as has_paid_since,
        evaluate.churn,
        active_user.*,
        dinero_cuenta.plata_cuenta_1,
        dinero_cuenta.plata_cuenta_2,
        dinero_cuenta.inversion,
        demograficos.gender,
        demograficos.rango_edad,
        demograficos.tarjetas,
        demograficos.estado,
        marketplace_data.spent_ml,
        marketplace_data.recency_ml,
        marketplace_data.frequency_ml
    from input
    cross join payments
    left join later_payment using (customer_id)
    left join raw.evaluate on evaluate.cus_cust_id_buy = payments.customer_id
    left join raw.active_user on active_user.cus_cust_id_buy = payments.customer_id
    left join raw.dinero_cuenta on dinero_cuenta.cus_cust_id_buy = payments.customer_id
    left join raw.demograficos on demograficos.cus_cust_id_buy = payments.customer_id
    left join raw.marketplace_data
        on marketplace_data.cus_cust_id_buy = payments.customer_id
        and t >= months_end and (recency_ml < t) is not false
),

sourced as (
    select
        known.*,
        case
            when days_since_activity >= 60 then 'inactive_60d'
            when has_paid_since or t + 60 <= c then 'observed'
            when t <= c and churn is not null then 'evaluate'
        end as label_source
    from known
)

select
    customer_id, t, tenure_days, days_since_activity,
    round(spent_7d, 4), round(spent_30d, 4), round(spent_90d, 4), round(total_discount_30d, 4),
    payments_7d, payments_30d, payments_90d,
    active_days_30d, active_weeks_90d, segments_90d,
    spent_90d / nullif(payments_90d, 0), 3 * spent_30d / nullif(spent_90d, 0),
    3 * payments_30d::numeric / nullif(payments_90d, 0),
    mean_gap_90d, days_since_activity / case when mean_gap_90d < 1 then 1 else mean_gap_90d end,
    case months_before when 0 then mau_mp_1 when 1 then mau_mp_2 when 2 then mau_mp_3 end,
    case months_before when -1 then mau_mp_1 when 0 then mau_mp_2 when 1 then mau_mp_3 end,
    case months_before when -2 then mau_mp_1 when -1 then mau_mp_2 when 0 then mau_mp_3 end,
    case months_before when 0 then mau_ml_1 when 1 then mau_ml_2 when 2 then mau_ml_3 end,
    case months_before when -1 then mau_ml_1 when 0 then mau_ml_2 when 1 then mau_ml_3 end,
    case months_before when -2 then mau_ml_1 when -1 then mau_ml_2 when 0 then mau_ml_3 end,
    case when t >= months_end then months_end - last_login_mp_date_1 end,
    case when t >= months_end then months_end - last_login_ml_date_1 end,
    case months_before when 0 then plata_cuenta_1 when 1 then plata_cuenta_2 end,
    case months_before when -1 then plata_cuenta_1 when 0 then plata_cuenta_2 end,
    (inversion = 'investing')::int, gender, rango_edad, tarjetas, estado,
    spent_ml, frequency_ml, months_end - recency_ml,
    case label_source
        when 'inactive_60d' then 1
        when 'observed' then case when has_paid_since then 0 else 1 end
        when 'evaluate' then case when %(flag_means)s = 'stayed_away' then churn else 1 - churn end
    end,
    label_source,
    case label_source when 'observed' then 60 when 'evaluate' then (c + interval '2 months')::date - t end
from sourced
on conflict (customer_id, snapshot_date) do update set (
    tenure_days, days_since_activity, spent_7d, spent_30d, spent_90d, total_discount_30d, payments_7d,
    payments_30d, payments_90d, active_days_30d, active_weeks_90d, segments_90d, spent_per_payment_90d,
    spent_trend_90d, payments_trend_90d, mean_gap_90d, recency_to_gap_90d, mau_mp_1, mau_mp_2, mau_mp_3,
    mau_ml_1, mau_ml_2, mau_ml_3, days_since_login_mp, days_since_login_ml, plata_cuenta_1, plata_cuenta_2,
    has_inversion, gender, rango_edad, tarjetas, estado, spent_ml, frequency_ml, days_since_purchase_ml,
    labeled_churn, label_source, label_horizon_days
) = (
    excluded.tenure_days, excluded.days_since_activity, excluded.spent_7d, excluded.spent_30d,
    excluded.spent_90d, excluded.total_discount_30d, excluded.payments_7d, excluded.payments_30d,
    excluded.payments_90d, excluded.active_days_30d, excluded.active_weeks_90d, excluded.segments_90d,
    excluded.spent_per_payment_90d, excluded.spent_trend_90d, excluded.payments_trend_90d,
    excluded.mean_gap_90d, excluded.recency_to_gap_90d, excluded.mau_mp_1, excluded.mau_mp_2, excluded.mau_mp_3,
    excluded.mau_ml_1, excluded.mau_ml_2, excluded.mau_ml_3, excluded.days_since_login_mp,
    excluded.days_since_login_ml, excluded.plata_cuenta_1, excluded.plata_cuenta_2, excluded.has_inversion,
    excluded.gender, excluded.rango_edad, excluded.tarjetas, excluded.estado, excluded.spent_ml,
    excluded.frequency_ml, excluded.days_since_purchase_ml, excluded.labeled_churn, excluded.label_source,
    excluded.label_horizon_days
)
