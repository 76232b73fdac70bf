-- Raw rows that are among the open rejects, as they are now.
select history.*
from ops.crypto_rejects as reject
inner join raw.bt_crypto_transaction_history as history
    on reject.raw_id = history.raw_id and reject.loaded_at = history.loaded_at
where reject.status = 'open'
