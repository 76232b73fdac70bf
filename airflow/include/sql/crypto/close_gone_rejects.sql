-- ops.crypto_rejects, marked: open rejects whose raw row is no longer in the history.
update ops.crypto_rejects as reject
set status = 'gone', closed_at = now()
where reject.status = 'open'
    and not exists (
        select from raw.bt_crypto_transaction_history as history
        where history.raw_id = reject.raw_id and history.loaded_at = reject.loaded_at
    )
