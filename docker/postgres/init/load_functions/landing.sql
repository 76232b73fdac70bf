-- From a file into the table `landing`, all columns text: by COPY where no quote stands in the file, else line by line.

create or replace function loader.make_landing(target text) returns void
language plpgsql set client_min_messages = warning as $$
begin
    drop table if exists pg_temp.landing, pg_temp.load_lines, pg_temp.load_rejects, pg_temp.load_days;
    execute (
        select format(
            'create temporary table landing (line_number bigint, fields int, %s) on commit drop',
            string_agg(format('%I text', lower(header)), ', ' order by position)
        )
        from loader.raw_columns where table_name = target
    );
    create temporary table load_lines (line_number bigint, line_text text, problem text) on commit drop;
    create temporary table load_rejects (line_number bigint, reason text) on commit drop;
    create temporary table load_days (header text, field text, day date, rows bigint, problem text) on commit drop;
end
$$;
comment on function loader.make_landing is 'Create the temporary tables of one load.';

create or replace function loader.copy_sql(target text, destination text, path text) returns text
language sql stable as $$
    -- With a quote sign that no file has, a quote is an ordinary character: none can swallow the lines after it.
    select format(
        'copy %s (%s) from %L with (format csv, header, quote E''\x01'', encoding ''UTF8'')',
        destination, string_agg(format('%I', lower(header)), ', ' order by position), path
    )
    from loader.raw_columns where table_name = target
$$;
comment on function loader.copy_sql is 'SQL that copies a table''s file into the table or into landing.';

create or replace function loader.count_sql(target text, source text) returns text
language sql stable as $$
    select format(
        'select
             count(*) as rows, count(*) * %s as commas, coalesce(sum(%s), 0) as bytes,
             coalesce(bool_or(%s), false) as has_quotes
         from %s',
        count(*) - 1,
        string_agg(format('coalesce(octet_length(%I::text), 0)', lower(header)), ' + '),
        coalesce(
            string_agg(format('position(''"'' in %I) > 0', lower(header)), ' or ') filter (where kind = 'text'), 'false'
        ),
        source
    )
    from loader.raw_columns where table_name = target
$$;
comment on function loader.count_sql is
    'SQL that counts rows, the commas of their records and the bytes of their fields, and looks for quotes in texts.';

create or replace function loader.land_lines(target text) returns bigint
language plpgsql as $$
declare
    columns constant int := (select count(*) from loader.raw_columns where table_name = target);
begin
    if exists (select from pg_temp.load_lines where position('"' in line_text) > 0 and problem is null) then
        perform loader.join_quoted_lines(columns);
    end if;
    execute (
        select format(
            $sql$
            insert into pg_temp.landing
            select line_number, cardinality(field), %s
            from (
                select line_number, loader.record_fields(line_text) as field
                from pg_temp.load_lines where problem is null and octet_length(line_text) <= 1048576 order by ctid
                offset 0
            ) as split
            $sql$,
            string_agg(format('field[%s]', place), ', ' order by place)
        )
        from generate_series(1, columns) as place
    );
    insert into pg_temp.load_rejects (line_number, reason)
    select line_number, problem from pg_temp.load_lines where problem is not null
    union all
    select line_number, format('is %s bytes long (at most 1 MiB)', octet_length(line_text))
    from pg_temp.load_lines where problem is null and octet_length(line_text) > 1048576
    union all
    select line_number, case
        when fields is null then 'has a quote that is not closed, or inside a field without quotes'
        else format('has %s fields, expected %s', fields, columns)
    end
    from pg_temp.landing where fields is distinct from columns;
    return (select count(*) from pg_temp.load_lines);
end
$$;
comment on function loader.land_lines is 
    'Fill landing from load_lines, and load_rejects with what is no record; returns the number of records.';
