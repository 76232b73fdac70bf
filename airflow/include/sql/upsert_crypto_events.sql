-- ops.bt_crypto_events, one row per purchase: inserts what an attempt staged, updates rows that differ from it, and
-- deactivates rows that it no longer found; rows equal to the staged ones stay unchanged. Returns the three numbers.
-- Parameters: attempt_id, window_from, window_to.
with

staged as (
    select
        site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price, purchase_value,
        true as is_active, raw_id
    from staging.crypto_events
    where attempt_id = %(attempt_id)s and outcome = 'load'
),

inserted as (
    insert into ops.bt_crypto_events (
        site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price, purchase_value, is_active, raw_id
    )
    select * from staged
    on conflict (purchase_date, site_id, user_id, crypto_type, purchase_units) do nothing
    returning 1
),

updated as (
    update ops.bt_crypto_events as event
    set
        purchase_price = staged.purchase_price,
        purchase_value = staged.purchase_value,
        is_active = staged.is_active,
        raw_id = staged.raw_id,
        updated_at = now()
    from staged
    where event.purchase_date between %(window_from)s and %(window_to)s
        and (event.purchase_date, event.site_id, event.user_id, event.crypto_type, event.purchase_units)
        = (staged.purchase_date, staged.site_id, staged.user_id, staged.crypto_type, staged.purchase_units)
        and (event.purchase_price, event.purchase_value, event.is_active, event.raw_id)
        <> (staged.purchase_price, staged.purchase_value, staged.is_active, staged.raw_id)
    returning 1
),

deactivated as (
    update ops.bt_crypto_events as event
    set is_active = false, updated_at = now()
    where event.purchase_date between %(window_from)s and %(window_to)s
        and event.is_active
        and not exists (
            select from staged
            where (staged.site_id, staged.user_id, staged.purchase_date, staged.crypto_type, staged.purchase_units)
                = (event.site_id, event.user_id, event.purchase_date, event.crypto_type, event.purchase_units)
        )
    returning 1
)

select
    (select count(*) from inserted) as rows_inserted,
    (select count(*) from updated) as rows_updated,
    (select count(*) from deactivated) as rows_deactivated
