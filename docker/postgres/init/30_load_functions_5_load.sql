-- Load one file in one transaction: all of its good rows replace the table's, or the table stays as it was.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create or replace function loader.insert_landed(target text) returns bigint
language plpgsql as $$
declare
    rows bigint;
begin
    execute (
        select format(
            'insert into %s (%s)
             select %s from pg_temp.landing
             where not exists (select from pg_temp.load_rejects where load_rejects.line_number = landing.line_number)
             order by %s',
            target,
            string_agg(format('%I', lower(header)), ', ' order by position),
            string_agg(
                format('%s as %I', loader.value_sql(format('%I', lower(header)), type), lower(header)), ', ' order by position
            ),
            raw_files.sorted_by
        )
        from loader.raw_columns join loader.raw_kinds using (kind) join loader.raw_files using (table_name)
        where table_name = target group by raw_files.sorted_by
    );
    get diagnostics rows = row_count;
    return rows;
end
$$;
comment on function loader.insert_landed is 'Add the rows of landing that are not rejected to their table; returns how many.';

create or replace function loader.replace_rows(target text) returns bigint
language plpgsql set session_replication_role = replica as $$  -- no triggers: staging.customers is built in bulk
declare
    index_definitions text[] := '{}';
    definition text;
    is_empty boolean;
    rows bigint;
begin
    execute format('select not exists (select from %s)', target) into is_empty;
    if is_empty then
        -- Its indexes are made afterwards, in one go, unless somebody reads even an empty table.
        begin
            execute format('lock table %s in access exclusive mode nowait', target);
            select coalesce(array_agg(pg_get_indexdef(indexrelid)), '{}') into index_definitions
            from pg_catalog.pg_index where indrelid = target::regclass and not indisprimary;
            for definition in
                select indexrelid::regclass::text from pg_catalog.pg_index
                where indrelid = target::regclass and not indisprimary
            loop
                execute 'drop index ' || definition;
            end loop;
        exception
            when lock_not_available then index_definitions := '{}';
        end;
    end if;
    -- DELETE and not TRUNCATE: readers are not locked out, and whoever reads an older snapshot still sees the old rows.
    execute format('delete from %s', target);
    rows := loader.insert_landed(target);
    foreach definition in array index_definitions loop
        execute definition;
    end loop;
    return rows;
end
$$;
comment on function loader.replace_rows is 'Replace a table''s rows by those of landing that are not rejected; returns how many.';

create or replace function loader.build_customers() returns void
language plpgsql as $$
begin
    create temporary table load_customers on commit drop as
    select cus_cust_id_buy as customer_id, min(fecha) as first_payment_date from raw.payments group by 1;
    delete from staging.customers
    where not exists (select from pg_temp.load_customers where load_customers.customer_id = customers.customer_id);
    insert into staging.customers as customers (customer_id, first_payment_date)
    select customer_id, first_payment_date from pg_temp.load_customers order by customer_id
    on conflict (customer_id) do update
    set first_payment_date = excluded.first_payment_date
    where customers.first_payment_date <> excluded.first_payment_date;
    drop table pg_temp.load_customers;
    analyze staging.customers;
end
$$;
comment on function loader.build_customers is 'Build staging.customers from raw.payments.';

create or replace function loader.load_problem(target text, digest text, rows bigint, rejected bigint, force boolean) returns text
language plpgsql stable as $$
declare
    rows_before constant bigint := (
        select rows_in_file from ops.raw_loads
        where table_name = target and status = 'loaded' order by load_id desc limit 1
    );
    encoding record;
begin
    select count(*) as lines, min(line_number) as line_number into encoding
    from pg_temp.load_rejects where reason like 'is not UTF-8%';
    if rows = 0 then
        return 'has no rows below its header; replace it by a whole extraction';
    elsif encoding.lines > 0 then
        return format(
            'is not UTF-8: %s lines, the first is line %s, which %s; convert it, e.g. iconv -f LATIN1 -t UTF-8',
            encoding.lines, encoding.line_number,
            (select reason from pg_temp.load_rejects where line_number = encoding.line_number limit 1)
        );
    elsif rejected > rows * 0.01 then
        return format(
            'has %s bad rows of %s, more than 1 %%; the first is line %s; mend the file',
            rejected, rows, (select line_number || ': ' || reason from pg_temp.load_rejects order by line_number limit 1)
        );
    elsif rows * 2 < rows_before and not force then
        return format('has %s rows, less than half of the %s loaded before; if that is right: SEED_FORCE=1', rows, rows_before);
    elsif target = 'raw.active_user' and not exists (select from pg_temp.load_days)
      and (select extraction_month from ops.stated_dates) is null then
        return 'has no last login, so that its month is not known; state EXTRACTION_MONTH=YYYY-MM in .env';
    end if;
    return null;
end
$$;
comment on function loader.load_problem is 'Why the file read into landing must not replace what is loaded; NULL where it may.';
commit;
