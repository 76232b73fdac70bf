-- The decision has been carried out, or overtaken, which `note` then says.
update ops.model_promotions
set carried_out_at = now(), reason = reason || %(note)s
where promotion_id = %(promotion_id)s
