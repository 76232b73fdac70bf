-- The days in a file, and those that cannot be right: each is looked at once, however many rows have it.

create or replace function loader.find_days(target text, source text) returns void
language plpgsql as $$
declare
    -- as long as it is no later day anywhere on earth
    today constant date := (now() at time zone 'UTC' + interval '14 hours')::date;
    header text;
begin
    for header in
        select raw_columns.header from loader.raw_columns join loader.raw_kinds using (kind)
        where table_name = target and type = 'date' order by position
    loop
        execute format(
            'insert into pg_temp.load_days
             select %L, field::text, loader.iso_day(field::text), rows
             from (select %I as field, count(*) as rows from %s group by 1) as distinct_fields
             where field is not null',
            header, lower(header), source
        );
    end loop;
    update pg_temp.load_days
    set problem = format('%s ''%s'' is not a date (expected YYYY-MM-DD)', load_days.header, left(field, 60))
    where day is null;
    update pg_temp.load_days
    set problem = format('%s ''%s'' lies in the future', load_days.header, field)
    where day > today;
    if target = 'raw.payments' then
        perform loader.find_lone_days();
    elsif target = 'raw.active_user' then
        perform loader.find_late_logins();
    end if;
end
$$;
comment on function loader.find_days is
    'List the days in landing, or in the table itself, with what is wrong with each.';

create or replace function loader.find_lone_days() returns void
language plpgsql as $$
begin
    with days as (
        select
            day,
            day - lag(day) over (order by day) as gap,
            sum(rows) over (order by day) - rows as rows_before,
            sum(rows) over () as rows
        from pg_temp.load_days where problem is null
    ),
    whole as (
        select
            max(day) filter (where gap > 31 and rows_before < rows * 0.001) as first_day,
            min(day) filter (where gap > 31 and rows - rows_before < rows * 0.001) as first_day_after
        from days
    )
    update pg_temp.load_days
    set problem = format(
        'FECHA ''%s'' lies alone, more than 31 days %s all but 0.1 %% of the payments', field,
        case when load_days.day < first_day then 'before' else 'after' end
    )
    from whole
    where problem is null
      and (
          load_days.day < first_day
          or load_days.day >= first_day_after
          and load_days.day > coalesce((select data_complete_through from ops.stated_dates), '-infinity')
      );
end
$$;
comment on function loader.find_lone_days is
    'Stray days of payments would be taken for the beginning or end of the data.';

create or replace function loader.find_late_logins() returns void
language plpgsql as $$
begin
    with days as (
        select
            day,
            sum(rows) over (order by day) - rows as rows_before,
            sum(rows) over () as rows
        from pg_temp.load_days where problem is null
    ),
    months as (
        select date_trunc('month', day)::date as month, min(rows_before) as rows_before, min(rows) as rows
        from days group by 1
    ),
    whole as (
        select coalesce(
            (select extraction_month from ops.stated_dates),
            max(month) filter (where rows - rows_before >= rows * 0.001)
        ) as extraction_month
        from months
    )
    update pg_temp.load_days
    set problem = format(
        '%s ''%s'' lies after the extraction month, %s', header, field, to_char(extraction_month, 'YYYY-MM')
    )
    from whole
    where problem is null and day >= extraction_month + interval '1 month';
end
$$;
comment on function loader.find_late_logins is 'A stray late login would be taken for the extraction month.';
