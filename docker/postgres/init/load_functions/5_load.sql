-- Load one file in one transaction: all of its good rows replace the table's, or the table stays as it was.

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

create or replace function loader.clear_table(target text) returns text[]
language plpgsql as $$
declare
    index_definitions text[];
    name text;
    is_empty boolean;
begin
    execute format('select not exists (select from %s)', target) into is_empty;
    if not is_empty then
        -- DELETE and not TRUNCATE: readers are not locked out, and whoever reads an older snapshot still sees the rows.
        execute format('delete from %s', target);
        return '{}';
    end if;
    begin
        execute format('lock table %s in access exclusive mode nowait', target);
    exception
        when lock_not_available then return '{}';  -- somebody reads even an empty table
    end;
    execute format('truncate %s', target);  -- no pages of an attempt before this one
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
    'Delete every row. Of a table that was empty the indexes are dropped too: returns what makes them again.';

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

create or replace function loader.replace_rows(target text) returns bigint
language plpgsql as $$
declare
    index_definitions constant text[] := loader.clear_table(target);
    rows constant bigint := loader.insert_landed(target);
begin
    perform loader.create_indexes(index_definitions);
    return rows;
end
$$;
comment on function loader.replace_rows is 'Replace a table''s rows by those of landing that are not rejected; returns how many.';

create or replace function loader.load_directly(inout this ops.raw_loads, path text, body_bytes bigint, eol_bytes int, force boolean)
language plpgsql as $$
declare
    sorted_by constant text := (select raw_files.sorted_by from loader.raw_files where table_name = this.table_name);
    index_definitions text[];
    counted record;
begin
    if sorted_by = loader.key_column(this.table_name) then
        return;  -- a file with a key has its customers in any order
    end if;
    begin
        index_definitions := loader.clear_table(this.table_name);
        execute loader.copy_sql(this.table_name, this.table_name, path);
        -- The values, written out again, must be as long as the file: then they stand in it in their usual spelling,
        -- and nothing was swallowed.
        execute loader.count_sql(this.table_name, this.table_name) into counted;
        perform loader.find_days(this.table_name, this.table_name);
        execute format('analyze %s', this.table_name);
        if counted.has_quotes
          or body_bytes - counted.bytes - counted.commas - counted.rows * eol_bytes not in (0, -eol_bytes)
          or exists (select from pg_temp.load_days where problem is not null)
          or exists (
              select from pg_catalog.pg_stats
              where format('%I.%I', schemaname, tablename) = this.table_name and attname = sorted_by and correlation < 0.999
          )
        then
            raise data_exception;
        end if;
        this.rows_in_file := counted.rows;
        this.message := loader.load_problem(this, force);
        if this.message is not null then
            raise data_exception;
        end if;
        perform loader.create_indexes(index_definitions);
        this.rows_loaded := counted.rows;
        this.status := 'loaded';
    exception
        when data_exception or integrity_constraint_violation or program_limit_exceeded then null;
    end;
end
$$;
comment on function loader.load_directly is
    'Copy a file without a key into its table. Neither loaded nor with a message: it needs a closer look.';

create or replace function loader.load_landed(inout this ops.raw_loads, path text, body_bytes bigint, eol_bytes int, force boolean)
language plpgsql as $$
declare
    counted record;
begin
    begin
        execute loader.copy_sql(this.table_name, 'pg_temp.landing', path);
        execute loader.count_sql(this.table_name, 'pg_temp.landing') into counted;
        perform loader.find_days(this.table_name, 'pg_temp.landing');
        if counted.has_quotes
          or body_bytes - counted.bytes - counted.commas - counted.rows * eol_bytes not in (0, -eol_bytes)
          or exists (select from pg_temp.load_days where problem is not null)
        then
            raise data_exception;
        end if;
        this.rows_in_file := counted.rows;
        this.message := loader.load_problem(this, force);
        if this.message is null then
            this.rows_loaded := loader.replace_rows(this.table_name);
            this.status := 'loaded';
        end if;
    exception
        when data_exception or integrity_constraint_violation or program_limit_exceeded then null;
    end;
end
$$;
comment on function loader.load_landed is
    'Copy a file into landing as text, then into its table. Neither loaded nor with a message: it needs a closer look.';

create or replace function loader.load_by_line(inout this ops.raw_loads, path text, force boolean)
language plpgsql as $$
begin
    this.message := loader.read_lines(path);
    if this.message is not null then
        return;
    end if;
    this.rows_in_file := loader.land_lines(this.table_name);
    perform loader.find_days(this.table_name, 'pg_temp.landing');
    perform loader.reject_rows(this.table_name);
    this.rows_rejected := (select count(distinct line_number) from pg_temp.load_rejects);
    this.message := loader.load_problem(this, force);
    if this.message is null then
        this.rows_loaded := loader.replace_rows(this.table_name);
        this.status := 'loaded';
    end if;
end
$$;
comment on function loader.load_by_line is 'Look at every line of a file, load the good rows and keep the others as rejects.';

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
comment on function loader.build_customers is 'Build staging.customers from raw.payments; rows that are right stay untouched.';
