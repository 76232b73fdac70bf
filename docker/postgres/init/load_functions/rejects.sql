-- Which rows of `landing` break a rule, and whether the file as a whole may be loaded.

create or replace function loader.key_column(target text) returns text
language sql stable as $$
    select lower(header) from loader.raw_columns join loader.raw_kinds using (kind)
    where table_name = target and modifier = 'primary key'
$$;
comment on function loader.key_column is 'The column that no two rows of a file share, or NULL.';

create or replace function loader.reject_rows(target text) returns void
language plpgsql as $$
declare
    key_column constant text := loader.key_column(target);
    problems text;
    bad_days text;
begin
    select
        string_agg(
            case
                when type = 'date' then format('day_%s.problem', position)
                else format(
                    'case when not (%s) then loader.field_problem(%L, %I, %L) end',
                    format(usual, quote_ident(lower(header))), header, lower(header), kind
                )
            end
            || case
                when modifier = '' then ''
                else format(', case when %I is null then %L end', lower(header), header || ' is empty')
            end,
            ', ' order by position
        ),
        string_agg(
            format(
                'left join pg_temp.load_days as day_%1$s
                 on day_%1$s.header = %2$L and day_%1$s.field = %3$I and day_%1$s.problem is not null',
                position, header, lower(header)
            ),
            ' '
        ) filter (where type = 'date')
    into problems, bad_days
    from loader.raw_columns join loader.raw_kinds using (kind)
    where table_name = target;
    analyze pg_temp.load_days;
    execute format(
        'insert into pg_temp.load_rejects
         select line_number, reason
         from (
             select line_number, nullif(concat_ws(''; '', %s), '''') as reason
             from pg_temp.landing %s where fields = %s
         ) as looked_at
         where reason is not null',
        problems, bad_days, (select count(*) from loader.raw_columns where table_name = target)
    );
    if key_column is null then
        return;
    end if;
    execute format(
        'insert into pg_temp.load_rejects
         select line_number, format(''%s %%s is in line %%s already'', key, first_line)
         from (
             select line_number, key, min(line_number) over (partition by key) as first_line
             from (
                 select line_number, %s as key from pg_temp.landing
                 where not exists (
                     select from pg_temp.load_rejects where load_rejects.line_number = landing.line_number
                 )
             ) as keys
         ) as numbered
         where line_number > first_line',
        upper(key_column), loader.value_sql(format('%I', key_column), 'bigint')
    );
end
$$;
comment on function loader.reject_rows is
    'Put the rows of landing that break a rule into load_rejects, with every reason.';

create or replace function loader.load_problem(this ops.raw_loads, force boolean) returns text
language plpgsql stable as $$
declare
    rows_before constant bigint := (
        select rows_in_file from ops.raw_loads
        where table_name = this.table_name and status = 'loaded' order by load_id desc limit 1
    );
    encoding record;
begin
    select count(*) as lines, min(line_number) as line_number into encoding
    from pg_temp.load_rejects where reason like 'is not UTF-8%';
    if this.rows_in_file = 0 then
        return 'has no rows below its header; replace it by a whole extraction';
    elsif encoding.lines > 0 then
        return format(
            'is not UTF-8: %s lines, the first is line %s, which %s; convert it, e.g. iconv -f LATIN1 -t UTF-8',
            encoding.lines, encoding.line_number,
            (select reason from pg_temp.load_rejects where line_number = encoding.line_number limit 1)
        );
    elsif this.rows_rejected > this.rows_in_file * 0.01 then
        return format(
            'has %s bad rows of %s, more than 1 %%; the first is line %s; mend the file',
            this.rows_rejected, this.rows_in_file,
            (select line_number || ': ' || reason from pg_temp.load_rejects order by line_number limit 1)
        );
    elsif this.rows_in_file * 2 < rows_before and not force then
        return format(
            'has %s rows, less than half of the %s loaded before; if that is right: make seed FORCE=1',
            this.rows_in_file, rows_before
        );
    elsif this.table_name = 'raw.active_user' and not exists (select from pg_temp.load_days)
      and (select extraction_month from ops.stated_dates) is null then
        return 'has no last login, so that its month is not known; state EXTRACTION_MONTH=YYYY-MM in .env';
    end if;
    return null;
end
$$;
comment on function loader.load_problem is
    'Why the file read into landing must not replace what is loaded; NULL where it may.';
