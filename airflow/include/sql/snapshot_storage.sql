-- How one snapshot is stored: the pages of its partition, and the smallint columns of the table. No row where the
-- snapshot has none. Parameter: $1 its date.
select
    pg_relation_size(tableoid) / current_setting('block_size')::bigint as pages,
    array(
        select attname::text from pg_attribute
        where attrelid = 'features.churn_weekly_features'::regclass and atttypid = 'smallint'::regtype
    ) as smallints
from features.churn_weekly_features
where snapshot_date = $1
limit 1
