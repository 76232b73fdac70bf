-- Into the tables: all rows of one replaced, and what follows from the payments.

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
                format('%s as %I', loader.value_sql(format('%I', lower(header)), type), lower(header)),
                ', ' order by position
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
comment on function loader.insert_landed is
    'Add the rows of landing that are not rejected to their table; returns how many.';

create or replace function loader.outgrows(file_bytes bigint, target text) returns boolean
language sql as $$
    select file_bytes > 4 * pg_relation_size(target)
$$;
comment on function loader.outgrows is 'Whether the file is so much larger than the table that its old rows count little.';

create or replace function loader.clear_table(target text, file_bytes bigint) returns text[]
language plpgsql as $$
declare
    index_definitions text[];
    name text;
    is_filled boolean;
begin
    execute format('select exists (select from %s)', target) into is_filled;
    if is_filled then
        -- DELETE and not TRUNCATE: readers are not locked out, and whoever reads an older snapshot still sees the rows.
        execute format('delete from %s', target);
    end if;
    if not loader.outgrows(file_bytes, target) then
        return '{}';
    end if;
    begin
        execute format('lock table %s in access exclusive mode nowait', target);
    exception
        when lock_not_available then return '{}';  -- somebody reads it: the indexes stay
    end;
    if not is_filled then
        execute format('truncate %s', target);  -- no pages of an attempt before this one
    end if;
    select array_agg(pg_get_indexdef(indexrelid)) into index_definitions
    from pg_catalog.pg_index where indrelid = target::regclass and not indisprimary;
    for name in
        select indexrelid::regclass::text from pg_catalog.pg_index
        where indrelid = target::regclass and not indisprimary
    loop
        execute 'drop index ' || name;
    end loop;
    return coalesce(index_definitions, '{}');
end
$$;
comment on function loader.clear_table is
    'Delete every row. Where the file outgrows the table the indexes are dropped too: returns what makes them again.';

create or replace function loader.create_indexes(definitions text[]) returns void
language plpgsql as $$
declare
    definition text;
begin
    foreach definition in array definitions loop
        execute definition;
    end loop;
end
$$;
comment on function loader.create_indexes is 'Create indexes, given as SQL.';

create or replace function loader.replace_rows(target text, file_bytes bigint) returns bigint
language plpgsql as $$
declare
    index_definitions constant text[] := loader.clear_table(target, file_bytes);
    rows constant bigint := loader.insert_landed(target);
begin
    perform loader.create_indexes(index_definitions);
    return rows;
end
$$;
comment on function loader.replace_rows is
    'Replace a table''s rows by those of landing that are not rejected; returns how many.';

create or replace function loader.build_customers() returns void
language plpgsql as $$
begin
    if not exists (select from staging.customers) then
        insert into staging.customers (customer_id, first_payment_date)
        select cus_cust_id_buy, min(fecha) from raw.payments group by 1 order by 1;
        analyze staging.customers;
        return;
    end if;
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
comment on function loader.build_customers is
    'Build staging.customers from raw.payments; rows that are right stay untouched.';
