-- Load one file in one transaction: all of its good rows replace the table's, or the table stays as it was.

create or replace function loader.read_and_load(inout this ops.raw_loads, path text, reload boolean, force boolean)
language plpgsql set session_replication_role = replica as $$  -- no triggers: staging.customers is built in bulk
declare
    modified constant timestamptz := (pg_stat_file(path, missing_ok => true)).modification;
    file record;
    is_filled boolean;
begin
    this.status := 'refused';
    this.rows_loaded := 0;
    this.rows_rejected := 0;
    select * into file from loader.file_problem(path, this.table_name);
    if file.problem is not null then
        this.message := file.problem;
        return;
    end if;
    this.file_bytes := (pg_stat_file(path)).size;
    this.file_digest := loader.file_digest(path);
    execute format('select exists (select from %s)', this.table_name) into is_filled;
    if is_filled and not reload and this.file_digest = (
        select file_digest from ops.raw_loads
        where table_name = this.table_name and status = 'loaded' order by load_id desc limit 1
    ) then
        this.status := 'unchanged';
        return;
    end if;

    -- Three ways, from the quick one for a clean file to the thorough one; all give the same rows.
    perform loader.make_landing(this.table_name);
    this := loader.load_directly(this, path, this.file_bytes - file.header_bytes, file.eol_bytes, force);
    if this.status = 'refused' and this.message is null then
        this := loader.load_landed(this, path, this.file_bytes - file.header_bytes, file.eol_bytes, force);
    end if;
    if this.status = 'refused' and this.message is null then
        perform loader.make_landing(this.table_name);
        this := loader.load_by_line(this, path, force);
    end if;

    if this.status = 'loaded' then
        if (pg_stat_file(path)).modification <> modified then
            raise exception '% changed while it was loaded: run the load again', this.file_name;
        end if;
        if this.rows_in_file <> this.rows_loaded + this.rows_rejected then
            raise exception '%: % rows in the file, but % loaded and % rejected',
                this.file_name, this.rows_in_file, this.rows_loaded, this.rows_rejected;
        end if;
        execute format('analyze %s', this.table_name);
    end if;
end
$$;
comment on function loader.read_and_load is
    'Read the file and replace its table''s rows, or say in the message why not.';

create or replace function ops.load_raw_file(
    target text, csv_dir text, reload boolean default false, force boolean default false
) returns ops.raw_loads
language plpgsql
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO, YMD'
set work_mem = '256MB'
set maintenance_work_mem = '256MB'
set jit = off
as $$
declare
    this ops.raw_loads;
begin
    select table_name, file_name into strict this.table_name, this.file_name
    from loader.raw_files where table_name = target;
    if csv_dir !~ '^/' then
        raise exception 'CSV_DIR=''%'': expected the absolute path of the folder with the CSV files, as the database '
            'server sees it', csv_dir;
    end if;
    perform set_config(
        'lock_timeout', coalesce(nullif(current_setting('loader.lock_timeout', true), ''), '5min'), true
    );
    perform pg_advisory_xact_lock_shared(hashtextextended('loader', 0));
    perform pg_advisory_xact_lock(hashtextextended(target, 0));
    this := loader.read_and_load(this, csv_dir || '/' || this.file_name, reload, force);
    if this.status = 'loaded' and target = 'raw.payments' then
        perform loader.build_customers();
        select min(fecha), max(fecha), max(fecha) + 1
        into this.first_payment_date, this.data_complete_through, this.evaluate_cutoff
        from raw.payments;
    elsif this.status = 'loaded' and target = 'raw.active_user' then
        select date_trunc('month', max(greatest(last_login_mp_date_1, last_login_ml_date_1)))::date
        into this.extraction_month
        from raw.active_user;
    end if;
    return loader.record_load(this);
exception
    when lock_not_available then
        raise exception '%: % is locked by %; end that and load again', this.file_name, target, coalesce(
            (select string_agg(format('process %s (%s)', pid, coalesce(nullif(application_name, ''), usename)), ', ')
             from pg_stat_activity
             where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()),
            'another session'
        );
end
$$;
comment on function ops.load_raw_file is
    'Load the file of a raw table from csv_dir, a folder of the database server; unchanged files are left alone.';
