-- What can be said about a file before its rows are read.

create or replace function loader.file_digest(path text) returns text
language plpgsql as $$
declare
    piece constant bigint := 64 * 1024 * 1024;
    size constant bigint := (pg_stat_file(path)).size;
    digests text := '';
begin
    if size <= piece then
        return encode(sha256(pg_read_binary_file(path)), 'hex');
    end if;
    for number in 0 .. (size - 1) / piece loop
        digests := digests || md5(pg_read_binary_file(path, number * piece, piece));
    end loop;
    return encode(sha256(digests::bytea), 'hex');
end
$$;
comment on function loader.file_digest is
    'SHA-256 of a file; above 64 MiB, where speed counts, of the MD5 digests of its pieces of 64 MiB.';

create or replace function loader.utf8_text(bytes bytea) returns text
language plpgsql immutable as $$
begin
    return convert_from(bytes, 'UTF8');
exception
    when character_not_in_repertoire or untranslatable_character then return null;
end
$$;
comment on function loader.utf8_text is 'The bytes as text, or NULL where they are not UTF-8 or hold a NUL.';

create or replace function loader.header_problem(first_line bytea, target text) returns text
language plpgsql stable as $$
declare
    found_line constant text := loader.utf8_text(first_line);
    differences text;
begin
    if substr(first_line, 1, 2) in ('\xfffe', '\xfeff') or position('\x00'::bytea in first_line) > 0 then
        return 'is UTF-16, expected UTF-8; convert it: iconv -f UTF-16 -t UTF-8';
    elsif found_line is null then
        return 'has a first line that is not UTF-8 text; expected a CSV file with a header';
    end if;
    select string_agg(
        case
            when found.name is null then format('column %s is missing (expected %s)', position, expected.header)
            when expected.header is null then format('column %s is ''%s'' (expected no more)', position, found.name)
            else format('column %s is ''%s'' (expected %s)', position, found.name, expected.header)
        end,
        ', ' order by position
    )
    into differences
    from (select position::bigint, header from loader.raw_columns where table_name = target) as expected
    full join unnest(loader.csv_fields(found_line)) with ordinality as found (name, position) using (position)
    where lower(trim(found.name)) is distinct from lower(expected.header);
    return 'has a wrong header: ' || left(differences, 500);
end
$$;
comment on function loader.header_problem is
    'What is wrong with a file''s first line; NULL where it is the table''s header.';

create or replace function loader.file_problem(
    path text, target text, out problem text, out header_bytes int, out eol_bytes int
)
language plpgsql as $$
declare
    facts record;
    start bytea;
begin
    header_bytes := 0;
    select * into facts from pg_stat_file(path, missing_ok => true);
    if facts.size is null or facts.isdir then
        problem := format('is missing (looked for %s); put it there, or set CSV_DIR', path);
        return;
    end if;
    if facts.size = 0 then
        problem := 'is empty, expected a header and rows';
        return;
    end if;
    start := pg_read_binary_file(path, 0, 65536);
    header_bytes := position('\x0a'::bytea in start);
    eol_bytes := 1;
    if header_bytes = 0 then  -- a single line
        header_bytes := length(start);
        eol_bytes := 0;
    elsif substr(start, header_bytes - 1, 1) = '\x0d' then
        eol_bytes := 2;
    end if;
    start := substr(start, 1, header_bytes - eol_bytes);
    if substr(start, 1, 3) = '\xefbbbf' then  -- a byte order mark
        start := substr(start, 4);
    end if;
    problem := loader.header_problem(start, target);
exception
    when others then
        problem := format(
            'cannot be read by the database server (%s); let everybody read it: chmod a+r, and a+x on its folders',
            sqlerrm
        );
end
$$;
comment on function loader.file_problem is
    'Why a file cannot be loaded, as far as it shows before its rows are read, and the length of header and line end.';
