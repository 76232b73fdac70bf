insert into ops.model_promotions (
    action, challenger_version, champion_version, production_version, reason, evaluation_digest, heldout_rows,
    challenger_roc_auc, champion_roc_auc, challenger_log_loss, champion_log_loss, run_id
)
values (
    %(action)s, %(challenger_version)s, %(champion_version)s, %(production_version)s, %(reason)s,
    %(evaluation_digest)s, %(heldout_rows)s, %(challenger_roc_auc)s, %(champion_roc_auc)s,
    %(challenger_log_loss)s, %(champion_log_loss)s, %(run_id)s
)
returning promotion_id
