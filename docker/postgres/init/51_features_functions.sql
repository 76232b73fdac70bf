-- The label rule, and the function with which the pipeline adds a partition to a table partitioned by snapshot date.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- The number of bits set among the 32; counts distinct small numbers, after bit_or(1 << number).
create or replace function features.count_bits(bits int) returns int
language sql immutable parallel safe
as $$ select bit_count(bits::bit(32))::int $$;

-- The label of one customer at a snapshot. has_paid_since says whether a payment falls in [snapshot_date,
-- min(snapshot_date + churn_days, payments_known_through + 1)); the flag of raw.evaluate speaks of the two months from
-- evaluate_cutoff. NULL means not known yet. Its body can be translated for another engine, like features_churn.sql.
drop function if exists features.churn_label(date, date, int, boolean, smallint, text), -- older versions
    features.churn_label(date, date, int, int, boolean, smallint, text);
create or replace function features.churn_label(
    snapshot_date date, payments_known_through date, evaluate_cutoff date, churn_days int,
    days_since_activity int, has_paid_since boolean, evaluate_flag smallint, flag_means text
) returns table (labeled_churn smallint, label_source text, label_horizon_days smallint)
language sql immutable parallel safe
as $$
    select
        case source
            when 'inactive_60d' then 1
            when 'observed' then case when has_paid_since then 0 else 1 end
            when 'evaluate' then case when flag_means = 'stayed_away' then evaluate_flag else 1 - evaluate_flag end
        end::smallint,
        source,
        case source
            when 'observed' then churn_days
            when 'evaluate' then cast((evaluate_cutoff + interval '2 months')::date - snapshot_date as int)
        end::smallint
    from (
        select case
            when days_since_activity >= churn_days then 'inactive_60d'
            when has_paid_since or snapshot_date + churn_days <= payments_known_through + 1 then 'observed'
            when evaluate_cutoff between snapshot_date and snapshot_date + churn_days - 1
                and evaluate_cutoff <= payments_known_through + 1 -- or a payment before the cutoff could be unknown
                and evaluate_flag is not null then 'evaluate'
        end as source
    ) as decided
$$;

-- Whether a label is trained and measured on: it speaks of churn_days, or up to a week more, and its last day was over on
-- as_of (NULL: no matter when). Rows that had churned already have no horizon, and no usable label.
create or replace function features.is_usable_label(
    snapshot_date date, label_horizon_days smallint, churn_days int, as_of date
) returns boolean
language sql immutable parallel safe
as $$
    select coalesce(
        label_horizon_days between churn_days and churn_days + 7
            and (as_of is null or snapshot_date + label_horizon_days <= as_of),
        false
    )
$$;

-- The pipeline writes rows but owns no tables, so this runs as the owner. The partition is created separately and then
-- attached: ATTACH, unlike CREATE ... PARTITION OF, neither waits for readers of the parent nor blocks them.
create or replace function ops.ensure_snapshot_partition(parent regclass, snapshot_date date) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    parent_schema name;
    parent_name name;
    partition_name text;
begin
    select n.nspname, c.relname into parent_schema, parent_name
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = parent and c.relkind = 'p' and n.nspname in ('features', 'ops');
    if not found or snapshot_date is null then
        raise exception 'ensure_snapshot_partition(%, %): needs a partitioned table of features or ops, and a date',
            parent, snapshot_date;
    end if;
    partition_name := format('%s_%s', parent_name, to_char(snapshot_date, 'YYYYMMDD'));
    if to_regclass(format('%I.%I', parent_schema, partition_name)) is not null then
        return;
    end if;
    execute format('create table %I.%I (like %s including all)', parent_schema, partition_name, parent);
    execute format('alter table %s attach partition %I.%I for values in (%L)',
        parent, parent_schema, partition_name, snapshot_date);
end
$$;
comment on function ops.ensure_snapshot_partition(regclass, date) is
    'Add the partition for a snapshot date to a table of features or ops that is partitioned by it; nothing if it is there.';
revoke all on function ops.ensure_snapshot_partition(regclass, date) from public;
grant execute on function ops.ensure_snapshot_partition(regclass, date) to meli_pipeline;
commit;
