-- features.churn_weekly_features, the rows of one snapshot date t: one row per customer with a payment before t.
-- The features use what was known before t, source by source; later_payment and raw.evaluate serve the label alone.
-- Parameters: snapshot_date (t), months_before (months from month -1 of t to the extraction month), months_end (first day
-- after the extraction month), cutoff (first day of the months that the churn flag speaks of), flag_means.

insert into features.churn_weekly_features (
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

-- Money in ten-thousandths of a peso: sums of whole numbers are exact in double precision, so that neither the plan nor
-- the order of the rows changes a digit. offset 0 keeps the conversion from being repeated for each window.
payment as (
    select
        cus_cust_id_buy as customer_id,
        %(snapshot_date)s::date - fecha as age,
        round(spent::float8 * 10000) as spent,
        descuento,
        case tpv_segment_detail
            when 'Cellphone Recharge' then 1
            when 'Transport' then 2
            when 'Instore' then 4
            when 'Utilities' then 8
            when 'Money Transfer' then 16
            else 32
        end as segment
    from raw.payments
    where fecha >= %(snapshot_date)s::date - 90 and fecha < %(snapshot_date)s::date
    offset 0
),

payments as (
    select
        customer_id,
        sum(spent) filter (where age <= 7) / 10000 as spent_7d,
        sum(spent) filter (where age <= 30) / 10000 as spent_30d,
        sum(spent) / 10000 as spent_90d,
        sum(round(descuento::float8 * 10000)) filter (where age <= 30) / 10000 as total_discount_30d,
        count(*) filter (where age <= 7) as payments_7d,
        count(*) filter (where age <= 30) as payments_30d,
        count(*) as payments_90d,
        min(age) as days_since_activity,
        (max(age) - min(age))::float8 / nullif(count(*) - 1, 0) as mean_gap_90d,
        bit_count(bit_or(1 << (age - 1)) filter (where age <= 30)::bit(32)) as active_days_30d,
        bit_count(bit_or(1 << ((age - 1) / 7))::bit(32)) as active_weeks_90d,
        bit_count(bit_or(segment)::bit(32)) as segments_90d
    from payment
    group by customer_id
),

-- The cohort. Who has not paid in the 90 days is looked up alone, so that the cost does not grow with the history.
activity as (
    select
        customer_id,
        %(snapshot_date)s::date - customers.first_payment_date as tenure_days,
        coalesce(payments.days_since_activity, %(snapshot_date)s::date - (
            select max(earlier.fecha)
            from raw.payments as earlier
            where earlier.cus_cust_id_buy = customer_id and earlier.fecha < %(snapshot_date)s::date
        )) as days_since_activity,
        coalesce(spent_7d, 0) as spent_7d,
        coalesce(spent_30d, 0) as spent_30d,
        coalesce(spent_90d, 0) as spent_90d,
        coalesce(total_discount_30d, 0) as total_discount_30d,
        coalesce(payments_7d, 0) as payments_7d,
        coalesce(payments_30d, 0) as payments_30d,
        coalesce(payments_90d, 0) as payments_90d,
        coalesce(active_days_30d, 0) as active_days_30d,
        coalesce(active_weeks_90d, 0) as active_weeks_90d,
        coalesce(segments_90d, 0) as segments_90d,
        mean_gap_90d
    from staging.customers
    left join payments using (customer_id)
    where customers.first_payment_date < %(snapshot_date)s::date
    offset 0
),

-- Month -k of t is month -(k + months_before) of the file; a month that the file lacks is NULL.
visits as (
    select
        cus_cust_id_buy as customer_id,
        case 1 + %(months_before)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_1,
        case 2 + %(months_before)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_2,
        case 3 + %(months_before)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_3,
        case 1 + %(months_before)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_1,
        case 2 + %(months_before)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_2,
        case 3 + %(months_before)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_3,
        case when %(snapshot_date)s::date >= %(months_end)s::date
            then %(months_end)s::date - last_login_mp_date_1 end as days_since_login_mp,
        case when %(snapshot_date)s::date >= %(months_end)s::date
            then %(months_end)s::date - last_login_ml_date_1 end as days_since_login_ml
    from raw.active_user
),

account as (
    select
        cus_cust_id_buy as customer_id,
        case 1 + %(months_before)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_1,
        case 2 + %(months_before)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_2,
        (inversion = 'investing')::int as has_inversion
    from raw.dinero_cuenta
),

marketplace as (
    select
        cus_cust_id_buy as customer_id, spent_ml, frequency_ml,
        %(months_end)s::date - recency_ml as days_since_purchase_ml
    from raw.marketplace_data
    where %(snapshot_date)s::date >= %(months_end)s::date and (recency_ml < %(snapshot_date)s::date) is not false
),

later_payment as (
    select distinct cus_cust_id_buy as customer_id
    from raw.payments
    where fecha >= %(snapshot_date)s::date and fecha < least(%(snapshot_date)s::date + 60, %(cutoff)s::date)
)

select
    customer_id, %(snapshot_date)s::date, tenure_days, days_since_activity,
    spent_7d, spent_30d, spent_90d, total_discount_30d, payments_7d, payments_30d, payments_90d,
    active_days_30d, active_weeks_90d, segments_90d,
    spent_90d / nullif(payments_90d, 0), 3 * spent_30d / nullif(spent_90d, 0),
    3 * payments_30d::float8 / nullif(payments_90d, 0),
    mean_gap_90d, days_since_activity / case when mean_gap_90d < 1 then 1 else mean_gap_90d end,
    mau_mp_1, mau_mp_2, mau_mp_3, mau_ml_1, mau_ml_2, mau_ml_3, days_since_login_mp, days_since_login_ml,
    plata_cuenta_1, plata_cuenta_2, has_inversion, gender, rango_edad, tarjetas, estado,
    spent_ml, frequency_ml, days_since_purchase_ml,
    label.labeled_churn, label.label_source, label.label_horizon_days
from activity
left join visits using (customer_id)
left join account using (customer_id)
left join marketplace using (customer_id)
left join raw.demograficos on demograficos.cus_cust_id_buy = customer_id
left join raw.evaluate on evaluate.cus_cust_id_buy = customer_id
left join later_payment using (customer_id)
cross join lateral features.churn_label(
    %(snapshot_date)s::date, %(cutoff)s::date, days_since_activity,
    later_payment.customer_id is not null, evaluate.churn, %(flag_means)s
) as label
