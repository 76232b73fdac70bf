-- Three ways to load a file, from the quick one for a clean file to the thorough one. All give the same rows.

create or replace function loader.load_directly(
    inout this ops.raw_loads, path text, body_bytes bigint, eol_bytes int, force boolean
)
language plpgsql as $$
declare
    sorted_by constant text := (select raw_files.sorted_by from loader.raw_files where table_name = this.table_name);
    index_definitions text[];
    counted record;
begin
    if not loader.outgrows(this.file_bytes, this.table_name) or sorted_by = loader.key_column(this.table_name) then
        return;  -- with indexes to keep little is won, and a file with a key is not sorted by it
    end if;
    begin
        index_definitions := loader.clear_table(this.table_name, this.file_bytes);
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
              where format('%I.%I', schemaname, tablename) = this.table_name
                and attname = sorted_by and correlation < 0.999
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

create or replace function loader.load_landed(
    inout this ops.raw_loads, path text, body_bytes bigint, eol_bytes int, force boolean
)
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
            this.rows_loaded := loader.replace_rows(this.table_name, this.file_bytes);
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
        this.rows_loaded := loader.replace_rows(this.table_name, this.file_bytes);
        this.status := 'loaded';
    end if;
end
$$;
comment on function loader.load_by_line is
    'Look at every line of a file, load the good rows and keep the others as rejects.';
