-- The table that baseline_features.sql fills: the columns of features.churn_weekly_features, money and ratios numeric.
create schema bench;
create table bench.churn_weekly_features (like features.churn_weekly_features including all);
select string_agg(format('alter column %I type numeric', attname), ', ') as changes
from pg_attribute
where attrelid = 'bench.churn_weekly_features'::regclass and atttypid = 'double precision'::regtype
\gset
alter table bench.churn_weekly_features :changes;
grant usage on schema bench to meli_pipeline;
grant select, insert, update, delete on bench.churn_weekly_features to meli_pipeline;
