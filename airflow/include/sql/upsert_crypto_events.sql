-- ops.bt_crypto_events, one row per purchase: inserts what an attempt staged, updates rows that differ from it, and
-- deactivates rows that it no longer found; rows equal to the staged ones stay unchanged. Returns the four numbers, and
-- how many events of the window were active before. Parameters: attempt_id, window_from, window_to.
with

compared as (
    select
        site_id, user_id, purchase_date, crypto_type, purchase_units, staged.purchase_price, staged.purchase_value,
        staged.raw_id,
        coalesce(event.is_active, false) as was_active,
        coalesce(
            event.is_active
            and (event.raw_id, event.purchase_price, event.purchase_value)
            = (staged.raw_id, staged.purchase_price, staged.purchase_value),
            false
        ) as is_equal
    from (select * from staging.crypto_events where attempt_id = %(attempt_id)s and outcome = 'load') as staged
    full join (
        select * from ops.bt_crypto_events where purchase_date between %(window_from)s and %(window_to)s
    ) as event using (site_id, user_id, purchase_date, crypto_type, purchase_units)
),

written as (
    insert into ops.bt_crypto_events (
        site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price, purchase_value, raw_id
    )
    select site_id, user_id, purchase_date, crypto_type, purchase_units, purchase_price, purchase_value, raw_id
    from compared
    where raw_id is not null and not is_equal
    on conflict (purchase_date, site_id, user_id, crypto_type, purchase_units) do update
    set
        purchase_price = excluded.purchase_price,
        purchase_value = excluded.purchase_value,
        is_active = true,
        raw_id = excluded.raw_id,
        updated_at = now()
    returning first_loaded_at = now() as is_new
),

deactivated as (
    update ops.bt_crypto_events as event
    set is_active = false, updated_at = now()
    from compared as gone
    where event.purchase_date between %(window_from)s and %(window_to)s
        and (event.site_id, event.user_id, event.purchase_date, event.crypto_type, event.purchase_units)
        = (gone.site_id, gone.user_id, gone.purchase_date, gone.crypto_type, gone.purchase_units)
        and gone.was_active
        and gone.raw_id is null
    returning 1
)

select
    (select count(*) from compared where was_active) as rows_active,
    (select count(*) from compared where is_equal) as rows_unchanged,
    (select count(*) from written where is_new) as rows_inserted,
    (select count(*) from written where not is_new) as rows_updated,
    (select count(*) from deactivated) as rows_deactivated
