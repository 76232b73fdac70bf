-- The lines of a file, and those that are one record together.

create or replace function loader.utf8_problem(bytes bytea) returns text
language plpgsql immutable as $$
declare
    culprit bytea;
    place int;
begin
    perform convert_from(bytes, 'UTF8');
    return null;
exception
    when character_not_in_repertoire or untranslatable_character then
        -- invalid byte sequence for encoding "UTF8": 0xf1 0x6f 0x73
        culprit := decode(replace(substring(sqlerrm from '0x[0-9a-fx ]*$'), '0x', ''), 'hex');
        place := position(culprit in bytes);
        if get_byte(culprit, 0) = 0 then
            return format('holds a NUL byte (byte %s of the line)', place);
        end if;
        return format('is not UTF-8 (byte %s of the line is 0x%s)', place, encode(substr(culprit, 1, 1), 'hex'));
end
$$;
comment on function loader.utf8_problem is
    'The first byte that is not UTF-8 or is a NUL, in words; NULL where there is none.';

create or replace function loader.read_lines(path text) returns text
language plpgsql as $$
declare
    piece constant int := 16 * 1024 * 1024;
    reach constant int := 1024 * 1024;
    size constant bigint := (pg_stat_file(path)).size;
    start bigint := 0;
    stop bigint;
    place int;
    lines_before bigint := 0;
    bytes bytea;
    content text;
begin
    while start < size loop
        stop := start + piece;
        while stop < size loop  -- up to the end of the line there
            place := position('\x0a'::bytea in pg_read_binary_file(path, stop, reach));
            stop := stop + case when place > 0 then place else reach end;
            exit when place > 0;
            if stop - start > 8 * piece then
                return format('has a line of more than 100 MiB after line %s: it is no CSV file', lines_before);
            end if;
        end loop;
        bytes := pg_read_binary_file(path, start, stop - start);
        content := loader.utf8_text(bytes);
        if content is not null then
            insert into pg_temp.load_lines (line_number, line_text)
            select lines_before + number, rtrim(line, E'\r')
            from string_to_table(content, E'\n') with ordinality as split (line, number)
            where rtrim(line, E'\r') <> '' and lines_before + number > 1;
        else
            content := encode(bytes, 'escape');
            insert into pg_temp.load_lines (line_number, line_text, problem)
            select lines_before + number, coalesce(rtrim(loader.utf8_text(raw), E'\r'), line), loader.utf8_problem(raw)
            from string_to_table(content, E'\n') with ordinality as split (line, number)
            cross join lateral (select decode(line, 'escape') as raw offset 0) as decoded
            where raw not in ('', '\x0d') and lines_before + number > 1;
        end if;
        lines_before := lines_before + length(content) - length(replace(content, E'\n', ''));
        start := stop;
    end loop;
    return null;
end
$$;
comment on function loader.read_lines is
    'Fill load_lines with the lines after the header that are not blank; returns why that cannot be done, or NULL.';

create or replace function loader.join_quoted_lines(columns int) returns void
language plpgsql as $$
declare
    opened record;
    following text;
    joined text;
    used_through bigint := 0;
    stray int := 0;
begin
    create index on pg_temp.load_lines (line_number);
    for opened in
        select line_number, line_text from pg_temp.load_lines
        where position('"' in line_text) > 0 and problem is null and loader.csv_fields(line_text) is null
        order by line_number
    loop
        continue when opened.line_number <= used_through;
        exit when stray > 10000;  -- a file like this is refused in any case
        stray := stray + 1;
        joined := opened.line_text;
        for step in 1 .. 50 loop
            following := (select line_text from pg_temp.load_lines where line_number = opened.line_number + step);
            -- A line that is a whole record by itself belongs to no field: the quote before it is a stray one.
            exit when cardinality(loader.record_fields(following)) = columns;
            joined := joined || E'\n' || coalesce(following, '');
            if cardinality(loader.csv_fields(joined)) = columns then
                used_through := opened.line_number + step;
                stray := stray - 1;
                update pg_temp.load_lines set line_text = joined where line_number = opened.line_number;
                delete from pg_temp.load_lines
                where line_number between opened.line_number + 1 and used_through;
                exit;
            end if;
        end loop;
    end loop;
end
$$;
comment on function loader.join_quoted_lines is 'Make one record of the lines of a quoted field that holds line ends.';
