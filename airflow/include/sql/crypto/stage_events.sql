-- staging.crypto_events, one row per raw row that an attempt reads, converted and checked.
-- Filled in: attempt_id; source, a query for raw rows; reasons, one expression for each reject rule of the contract over
-- the alias checked, which gives its reason or NULL; blanks, the characters to trim.

insert into staging.crypto_events (
    attempt_id, raw_id, loaded_at, original, site_id, user_id, purchase_date, crypto_type, purchase_units,
    purchase_price, purchase_value, outcome, reject_reason
)
with

source as ({source}),

converted as (
    select
        raw_id,
        loaded_at,
        jsonb_build_object(
            'site_id', site_id, 'user_id', user_id, 'purchase_date', purchase_date, 'crypto_type', crypto_type,
            'purchase_price', purchase_price, 'purchase_units', purchase_units
        ) as original,
        nullif(upper(btrim(site_id, {blanks})), '') as site_id,
        user_id,
        ops.crypto_event_date(purchase_date, loaded_at) as purchase_date,
        nullif(upper(btrim(crypto_type, {blanks})), '') as crypto_type,
        purchase_units,
        purchase_price,
        case
            when ops.crypto_event_date(purchase_date, loaded_at) is not null then null
            when ops.crypto_purchase_date(purchase_date) is not null then 'date after the load'
            when btrim(purchase_date, {blanks}) ~ '^[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}$' then 'no such date'
            when btrim(purchase_date, {blanks}) <> '' then 'date is not D/M/YYYY'
            else 'date missing'
        end as date_problem
    from source
),

judged as (
    select *, nullif(concat_ws('; ', date_problem, {reasons}), '') as reject_reason
    from converted as checked
),

-- The last arrival of a purchase states its price.
priced as (
    select *, first_value(purchase_price) over last_first as last_price
    from judged
    where reject_reason is null
    window last_first as (
        partition by site_id, user_id, purchase_date, crypto_type, purchase_units
        order by raw_id desc
    )
),

corrected as (
    select *, coalesce(max(raw_id) filter (where purchase_price is distinct from last_price) over purchase, 0) as last_other_raw_id
    from priced
    window purchase as (partition by site_id, user_id, purchase_date, crypto_type, purchase_units)
),

-- Of the arrivals with the last price, the first represents all, so that another copy changes nothing.
resolved as (
    select
        *,
        case
            when purchase_price is distinct from last_price and raw_id = min(raw_id) over same_price then 'superseded'
            when
                purchase_price is not distinct from last_price
                and raw_id = min(raw_id) filter (where raw_id > last_other_raw_id) over same_price
                then 'load'
            else 'copy'
        end as outcome
    from corrected
    window same_price as (
        partition by site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price
    )
)

select
    {attempt_id}, raw_id, loaded_at, original, site_id, user_id, purchase_date, crypto_type, purchase_units,
    purchase_price, purchase_price * purchase_units, outcome, null
from resolved

union all

select
    {attempt_id}, raw_id, loaded_at, original, site_id, user_id, purchase_date, crypto_type, purchase_units,
    purchase_price, null, 'reject', reject_reason
from judged
where reject_reason is not null
