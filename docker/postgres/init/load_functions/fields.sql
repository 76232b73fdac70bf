-- From the text of a field to a value, and what is wrong with a field that has none.

create or replace function loader.whole_digits(field text) returns text
language sql immutable parallel safe as $$
    select case
        when position('.' in field) = 0 then field
        when right(field, 2) = '.0' then left(field, -2)
        else regexp_replace(field, '\.0+$', '')
    end
$$;
comment on function loader.whole_digits is
    'A whole number without the .0 that some extractions give it; 1.5 stays 1.5.';

create or replace function loader.value_sql(field_sql text, type text) returns text
language sql immutable as $$
    select format(
        case
            when type in ('smallint', 'integer', 'bigint') then 'loader.whole_digits(%1$s)::%2$s'
            when type = 'text' then '%1$s'
            else '%1$s::%2$s'
        end,
        field_sql, type
    )
$$;
comment on function loader.value_sql is 'SQL that turns a text field into a value of the type; evaluating it may fail.';

create or replace function loader.iso_day(field text) returns date
language plpgsql immutable set datestyle = 'ISO, YMD' as $$
begin
    return case when field ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then field::date end;
exception
    when data_exception then return null;
end
$$;
comment on function loader.iso_day is 'The day written YYYY-MM-DD, or NULL where the text is no such day.';

create or replace function loader.field_problem(header text, field text, field_kind text) returns text
language plpgsql stable as $$
declare
    kind loader.raw_kinds;
    holds boolean;
begin
    select * into strict kind from loader.raw_kinds where raw_kinds.kind = field_kind;
    begin
        execute format(
            'select value is not null and (%s) from (select %s as value) as converted',
            coalesce(format(nullif(kind.rule, ''), 'value'), 'true'), loader.value_sql(quote_literal(field), kind.type)
        ) into holds;
    exception
        when data_exception then holds := false;
    end;
    return case
        when not holds then
            format(
                '%s ''%s''%s %s',
                header, left(field, 60), case when length(field) > 60 then '...' end, kind.expected
            )
    end;
end
$$;
comment on function loader.field_problem is
    'Why the field is no value of the kind, with the value; NULL where it is one.';

create or replace function loader.csv_fields(record_text text) returns text[]
language plpgsql immutable as $$
begin
    if position('"' in record_text) = 0 then
        return string_to_array(record_text, ',', '');
    end if;
    -- A field is either without a quote or wholly inside quotes, an inner quote doubled (RFC 4180).
    if record_text !~ '^("([^"]|"")*"|[^",]*)(,("([^"]|"")*"|[^",]*))*$' then
        return null;
    end if;
    return array(
        select nullif(
            case when left(part[1], 1) = '"' then replace(substr(part[1], 2, length(part[1]) - 2), '""', '"')
            else part[1] end,
            ''
        )
        from regexp_matches(record_text, '(?:^|,)("(?:[^"]|"")*"|[^",]*)', 'g') with ordinality as matches (part, place)
        order by place
    );
end
$$;
comment on function loader.csv_fields is
    'The fields of a CSV record, empty ones NULL; NULL where a quote stands where none may or is not closed.';

create or replace function loader.record_fields(record_text text) returns text[]
language sql immutable parallel safe as $$
    select case
        when position('"' in record_text) = 0 then string_to_array(record_text, ',', '')
        else loader.csv_fields(record_text)
    end
$$;
comment on function loader.record_fields is 'loader.csv_fields, quickly where there is no quote.';
