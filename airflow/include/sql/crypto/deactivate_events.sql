-- ops.bt_crypto_events: purchases of the window that an attempt did not find any more.
-- Parameters: attempt_id, window_from, window_to.
update ops.bt_crypto_events as event
set is_active = false, updated_at = now()
where event.purchase_date between %(window_from)s and %(window_to)s
    and event.is_active
    and not exists (
        select from staging.crypto_events as staged
        where staged.attempt_id = %(attempt_id)s
            and staged.outcome = 'load'
            and (staged.purchase_date, staged.site_id, staged.user_id, staged.crypto_type, staged.purchase_units)
            = (event.purchase_date, event.site_id, event.user_id, event.crypto_type, event.purchase_units)
    )
