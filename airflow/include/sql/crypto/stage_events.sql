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

-- The last arrival of a purchase states its price. Of the arrivals since the price last changed, the first represents
-- all, so that another copy changes nothing.
compared as (
    select
        *,
        last_value(purchase_price) over purchase as last_price,
        (purchase_price = lag(purchase_price) over purchase) is not true as is_change
    from judged
    window purchase as (
        partition by reject_reason, site_id, user_id, purchase_date, crypto_type, purchase_units
        order by raw_id rows between unbounded preceding and unbounded following
    )
)

select
    {attempt_id}, raw_id, loaded_at, original, site_id, user_id, purchase_date, crypto_type, purchase_units,
    purchase_price,
    case when reject_reason is null then purchase_price * purchase_units end,
    case
        when reject_reason is not null then 'reject'
        when raw_id = max(raw_id) filter (where is_change) over purchase then 'load'
        when purchase_price <> last_price and raw_id = min(raw_id) over same_price then 'superseded'
        else 'copy'
    end,
    reject_reason
from compared
window
    purchase as (partition by reject_reason, site_id, user_id, purchase_date, crypto_type, purchase_units),
    same_price as (
        partition by reject_reason, site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price
    )
