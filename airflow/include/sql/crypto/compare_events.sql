-- One row: the events of the window against what an attempt staged. Parameters: attempt_id, window_from, window_to.
with

staged as (
    select *
    from staging.crypto_events
    where attempt_id = %(attempt_id)s and outcome = 'load'
),

event as (
    select *
    from ops.bt_crypto_events
    where purchase_date between %(window_from)s and %(window_to)s
)

select
    count(*) filter (where event.is_active) as rows_active,
    count(*) filter (where event.is_active and staged.raw_id is null) as rows_gone,
    count(*) filter (
        where event.is_active
            and (event.raw_id, event.purchase_price, event.purchase_value)
            = (staged.raw_id, staged.purchase_price, staged.purchase_value)
    ) as rows_equal
from event
left join staged using (site_id, user_id, purchase_date, crypto_type, purchase_units)
