-- The rows of one snapshot of features.churn_weekly_features: one per customer with a payment before the snapshot date.
-- ml.features stores them, each column under its name here. The features use what was known before the
-- snapshot date, source by source; has_paid_since and raw.evaluate serve the label alone.
-- Parameters: snapshot_date; churn_days; extraction_end, the first day after the extraction month; months_ahead, the
-- months from month -1 of the snapshot to the extraction month; payments_known_through; evaluate_cutoff, the first day
-- that the churn flag speaks of; flag_means, stayed_away or came_back.
-- The statement can be translated for another engine: days are cast to int, divisions use doubles, floor rounds (engines
-- differ in what round does to a half), and a function counts bits.
with

-- The payments of the 90 days before the snapshot; days_before is 1 for the day before it. Money is in ten-thousandths
-- of a peso: sums of whole numbers are exact in double precision, so neither plan nor order of rows changes a digit.
payment as (
    select
        cus_cust_id_buy as customer_id,
        cast(%(snapshot_date)s - fecha as int) as days_before,
        floor(cast(spent as double precision) * 10000 + 0.5) as spent,
        floor(cast(descuento as double precision) * 10000 + 0.5) as discount,
        case tpv_segment_detail
            when 'Cellphone Recharge' then 0 when 'Transport' then 1 when 'Instore' then 2
            when 'Utilities' then 3 when 'Money Transfer' then 4 else 5
        end as segment
    from raw.payments
    where fecha >= %(snapshot_date)s - 90 and fecha < %(snapshot_date)s
),

-- One row per customer who paid in them. Days, weeks and segments are counted as bits: each count(distinct) would sort.
recent as (
    select
        customer_id,
        sum(spent) filter (where days_before <= 7) / 10000 as spent_7d,
        sum(spent) filter (where days_before <= 30) / 10000 as spent_30d,
        sum(spent) / 10000 as spent_90d,
        sum(discount) filter (where days_before <= 30) / 10000 as total_discount_30d,
        count(*) filter (where days_before <= 7) as payments_7d,
        count(*) filter (where days_before <= 30) as payments_30d,
        count(*) as payments_90d,
        min(days_before) as days_since_activity,
        cast(max(days_before) - min(days_before) as double precision) / nullif(count(*) - 1, 0) as mean_gap_90d,
        features.count_bits(bit_or(1 << (days_before - 1)) filter (where days_before <= 30)) as active_days_30d,
        features.count_bits(bit_or(1 << cast(floor((days_before - 1) / cast(7 as double precision)) as int)))
        as active_weeks_90d,
        features.count_bits(bit_or(1 << segment)) as segments_90d
    from payment
    group by customer_id
),

-- One row per customer of the snapshot. The last payment of those who have not paid in the 90 days is looked up in the
-- index by customer and date, so that the cost does not grow with the history. The order keeps PostgreSQL from
-- repeating the look-ups wherever their result is used.
activity as (
    select
        customers.customer_id,
        least(cast(%(snapshot_date)s - customers.first_payment_date as int), 90) as tenure_days,
        coalesce(
            recent.days_since_activity,
            (
                select cast(%(snapshot_date)s - max(earlier.fecha) as int)
                from raw.payments as earlier
                where earlier.cus_cust_id_buy = customers.customer_id and earlier.fecha < %(snapshot_date)s
            )
        ) as days_since_activity,
        exists (
            select 1
            from raw.payments as later
            where later.cus_cust_id_buy = customers.customer_id
                and later.fecha >= %(snapshot_date)s
                and later.fecha < least(%(snapshot_date)s + %(churn_days)s, %(payments_known_through)s + 1)
        ) as has_paid_since,
        case when payments_7d > 0 then spent_7d else 0 end as spent_7d,
        case when payments_30d > 0 then spent_30d else 0 end as spent_30d,
        case when payments_90d > 0 then spent_90d else 0 end as spent_90d,
        case when payments_30d > 0 then total_discount_30d else 0 end as total_discount_30d,
        coalesce(payments_7d, 0) as payments_7d,
        coalesce(payments_30d, 0) as payments_30d,
        coalesce(payments_90d, 0) as payments_90d,
        coalesce(active_days_30d, 0) as active_days_30d,
        coalesce(active_weeks_90d, 0) as active_weeks_90d,
        coalesce(segments_90d, 0) as segments_90d,
        mean_gap_90d
    from staging.customers
    left join recent on recent.customer_id = customers.customer_id
    where customers.first_payment_date < %(snapshot_date)s
    order by customers.customer_id
),

-- Month -k of the snapshot is month -(k + months_ahead) of the file; a month that the file lacks is NULL.
visits as (
    select
        cus_cust_id_buy as customer_id,
        case 1 + %(months_ahead)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_1,
        case 2 + %(months_ahead)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_2,
        case 3 + %(months_ahead)s when 1 then mau_mp_1 when 2 then mau_mp_2 when 3 then mau_mp_3 end as mau_mp_3,
        case 1 + %(months_ahead)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_1,
        case 2 + %(months_ahead)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_2,
        case 3 + %(months_ahead)s when 1 then mau_ml_1 when 2 then mau_ml_2 when 3 then mau_ml_3 end as mau_ml_3,
        case when %(snapshot_date)s >= %(extraction_end)s
            then cast(%(extraction_end)s - last_login_mp_date_1 as int)
        end as days_since_login_mp,
        case when %(snapshot_date)s >= %(extraction_end)s
            then cast(%(extraction_end)s - last_login_ml_date_1 as int)
        end as days_since_login_ml
    from raw.active_user
),

account as (
    select
        cus_cust_id_buy as customer_id,
        case 1 + %(months_ahead)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_1,
        case 2 + %(months_ahead)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_2,
        case when inversion = 'investing' then 1 when inversion is not null then 0 end as has_inversion
    from raw.dinero_cuenta
),

person as (
    select cus_cust_id_buy as customer_id, gender, rango_edad, tarjetas, estado
    from raw.demograficos
),

marketplace as (
    select
        cus_cust_id_buy as customer_id, spent_ml, frequency_ml,
        cast(%(extraction_end)s - recency_ml as int) as days_since_purchase_ml
    from raw.marketplace_data
    where %(snapshot_date)s >= %(extraction_end)s and (recency_ml is null or recency_ml < %(snapshot_date)s)
)

select
    activity.customer_id,
    %(snapshot_date)s as snapshot_date,
    spent_7d, spent_30d, spent_90d, total_discount_30d,
    spent_90d / nullif(payments_90d, 0) as spent_per_payment_90d,
    3 * (spent_30d / nullif(spent_90d, 0)) as spent_trend_90d,
    3 * (cast(payments_30d as double precision) / nullif(payments_90d, 0)) as payments_trend_90d,
    mean_gap_90d,
    days_since_activity / case when mean_gap_90d < 1 then 1 else mean_gap_90d end as recency_to_gap_90d,
    payments_7d, payments_30d, payments_90d, days_since_activity, tenure_days,
    active_days_30d, active_weeks_90d, segments_90d,
    mau_mp_1, mau_mp_2, mau_mp_3, mau_ml_1, mau_ml_2, mau_ml_3, days_since_login_mp, days_since_login_ml,
    plata_cuenta_1, plata_cuenta_2, has_inversion,
    gender, rango_edad, tarjetas, estado,
    spent_ml, frequency_ml, days_since_purchase_ml,
    label.labeled_churn, label.label_source, label.label_horizon_days
from activity
left join visits on visits.customer_id = activity.customer_id
left join account on account.customer_id = activity.customer_id
left join person on person.customer_id = activity.customer_id
left join marketplace on marketplace.customer_id = activity.customer_id
left join raw.evaluate as flag on flag.cus_cust_id_buy = activity.customer_id
cross join lateral features.churn_label(
    %(snapshot_date)s, %(payments_known_through)s, %(evaluate_cutoff)s, %(churn_days)s,
    days_since_activity, has_paid_since, flag.churn, %(flag_means)s
) as label
order by activity.customer_id
