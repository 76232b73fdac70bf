-- Fails where baseline_features.sql and features_churn.sql made different rows; ratios agree to nine digits.
create temporary table differing as
select ours.customer_id, ours.name, ours.value as ours, theirs.value as theirs
from (
    select customer_id, name, value
    from features.churn_weekly_features as feature, jsonb_each_text(to_jsonb(feature)) as pair (name, value)
    where customer_id % 20 = 0
) as ours
full join (
    select customer_id, name, value
    from bench.churn_weekly_features as feature, jsonb_each_text(to_jsonb(feature)) as pair (name, value)
    where customer_id % 20 = 0
) as theirs using (customer_id, name)
where ours.value is distinct from theirs.value
and (
    ours.value is null or theirs.value is null or ours.value !~ '^-?[0-9.e-]+$' or theirs.value !~ '^-?[0-9.e-]+$'
    or name = 'snapshot_date'
    or abs(ours.value::numeric - theirs.value::numeric) > 1e-9 * abs(theirs.value::numeric)
);
do $$
begin
    if (select count(*) from features.churn_weekly_features) <> (select count(*) from bench.churn_weekly_features)
        or exists (select from differing)
    then
        raise exception 'the two sides differ: %', (select jsonb_agg(d) from (select * from differing limit 5) as d);
    end if;
end
$$;
