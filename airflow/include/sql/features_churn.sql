-- features.churn_weekly_features, the rows of one snapshot date t: one row per customer with a payment before t.
-- The features use what was known before t, source by source; has_paid_since and raw.evaluate serve the label alone.
-- Parameters: t; months_end, the first day after the extraction month; months_before, the months from the one before t's
-- to the extraction month; c, the first day of the months that the churn flag speaks of; flag_means.

-- Hash tables of a million customers do not fit a processor's cache, which the planner does not count. The tables have
-- their rows in the order of the customers, or are soon sorted.
set local enable_hashagg = off;
set local enable_hashjoin = off;

-- A table of its own, because CREATE TABLE AS may use parallel workers and INSERT may not.
-- Money in ten-thousandths of a peso: sums of whole numbers are exact in double precision, so that neither the plan nor
-- the order of the rows changes a digit. Days and weeks are counted as bits, bit 0 the newest.
create temporary table recent_payments on commit drop as
select
    cus_cust_id_buy as buyer,
    sum(round(spent::float8 * 10000)) filter (where fecha >= %(t)s - 7) / 10000 as spent_7d,
    sum(round(spent::float8 * 10000)) filter (where fecha >= %(t)s - 30) / 10000 as spent_30d,
    sum(round(spent::float8 * 10000)) / 10000 as spent_90d,
    sum(round(descuento::float8 * 10000)) filter (where fecha >= %(t)s - 30) / 10000 as total_discount_30d,
    count(*) filter (where fecha >= %(t)s - 7) as payments_7d,
    count(*) filter (where fecha >= %(t)s - 30) as payments_30d,
    count(*) as payments_90d,
    max(fecha) as last_date,
    (max(fecha) - min(fecha))::float8 / nullif(count(*) - 1, 0) as mean_gap_90d,
    bit_count(bit_or(1 << (%(t)s - 1 - fecha)) filter (where fecha >= %(t)s - 30)::bit(32)) as active_days_30d,
    bit_count(bit_or(1 << ((%(t)s - 1 - fecha) / 7))::bit(32)) as active_weeks_90d,
    bit_count(bit_or(
        case tpv_segment_detail
            when 'Cellphone Recharge' then 1 when 'Transport' then 2 when 'Instore' then 4
            when 'Utilities' then 8 when 'Money Transfer' then 16 else 32
        end
    )::bit(32)) as segments_90d
from raw.payments
where fecha >= %(t)s - 90 and fecha < %(t)s
group by cus_cust_id_buy;

delete from features.churn_weekly_features where snapshot_date = %(t)s;

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

-- Two things are looked up in the index by customer and date, so that the cost does not grow with the history: the last
-- day before t of who has not paid in the 90 days, and whether the days that the label speaks of have a payment.
activity as (
    select
        customers.customer_id, customers.first_payment_date, payments.*,
        %(t)s - coalesce(
            payments.last_date,
            (
                select max(fecha)
                from raw.payments as earlier
                where earlier.cus_cust_id_buy = customers.customer_id and earlier.fecha < %(t)s
            )
        ) as days_since_activity,
        later.has_paid_since
    from staging.customers
    left join recent_payments as payments on payments.buyer = customers.customer_id
    left join lateral (
        select true as has_paid_since
        from raw.payments as one
        where one.cus_cust_id_buy = customers.customer_id
            and one.fecha >= %(t)s and one.fecha < least(%(t)s + 60, %(c)s)
        limit 1
    ) as later on true
    where customers.first_payment_date < %(t)s
    order by customers.customer_id
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
        case when %(t)s >= %(months_end)s then %(months_end)s - last_login_mp_date_1 end as days_since_login_mp,
        case when %(t)s >= %(months_end)s then %(months_end)s - last_login_ml_date_1 end as days_since_login_ml
    from raw.active_user
),

account as (
    select
        cus_cust_id_buy as customer_id,
        case 1 + %(months_before)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_1,
        case 2 + %(months_before)s when 1 then plata_cuenta_1 when 2 then plata_cuenta_2 end as plata_cuenta_2,
        case when inversion = 'investing' then 1 when inversion is not null then 0 end as has_inversion
    from raw.dinero_cuenta
),

marketplace as (
    select
        cus_cust_id_buy as customer_id, spent_ml, frequency_ml,
        %(months_end)s - recency_ml as days_since_purchase_ml
    from raw.marketplace_data
    where %(t)s >= %(months_end)s and (recency_ml is null or recency_ml < %(t)s)
)

select
    customer_id, %(t)s, %(t)s - first_payment_date, days_since_activity,
    case when payments_7d > 0 then spent_7d else 0 end, case when payments_30d > 0 then spent_30d else 0 end,
    case when payments_90d > 0 then spent_90d else 0 end, case when payments_30d > 0 then total_discount_30d else 0 end,
    coalesce(payments_7d, 0), coalesce(payments_30d, 0), coalesce(payments_90d, 0),
    coalesce(active_days_30d, 0), coalesce(active_weeks_90d, 0), coalesce(segments_90d, 0),
    spent_90d / payments_90d, 3 * (case when payments_30d > 0 then spent_30d else 0 end / nullif(spent_90d, 0)),
    3 * (payments_30d::float8 / payments_90d),
    mean_gap_90d, days_since_activity / case when mean_gap_90d < 1 then 1 else mean_gap_90d end,
    mau_mp_1, mau_mp_2, mau_mp_3, mau_ml_1, mau_ml_2, mau_ml_3, days_since_login_mp, days_since_login_ml,
    plata_cuenta_1, plata_cuenta_2, has_inversion, gender, rango_edad, tarjetas, estado,
    spent_ml, frequency_ml, days_since_purchase_ml,
    label.labeled_churn, label.label_source, label.label_horizon_days
from activity
left join visits using (customer_id)
left join account using (customer_id)
left join raw.demograficos as person on person.cus_cust_id_buy = customer_id
left join marketplace using (customer_id)
left join raw.evaluate as flag on flag.cus_cust_id_buy = customer_id
cross join lateral features.churn_label(
    %(t)s, %(c)s, days_since_activity, has_paid_since is not null, flag.churn, %(flag_means)s
) as label
order by customer_id; -- keeps the primary key's pages in order: a third less time

set local enable_hashagg to default;
set local enable_hashjoin to default;
