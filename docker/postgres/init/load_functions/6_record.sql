-- The loader itself, and what it puts on record.

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
            this.rows_rejected, this.rows_in_file, (select line_number || ': ' || reason from pg_temp.load_rejects order by line_number limit 1)
        );
    elsif this.rows_in_file * 2 < rows_before and not force then
        return format('has %s rows, less than half of the %s loaded before; if that is right: SEED_FORCE=1', this.rows_in_file, rows_before);
    elsif this.table_name = 'raw.active_user' and not exists (select from pg_temp.load_days)
      and (select extraction_month from ops.stated_dates) is null then
        return 'has no last login, so that its month is not known; state EXTRACTION_MONTH=YYYY-MM in .env';
    end if;
    return null;
end
$$;
comment on function loader.load_problem is 'Why the file read into landing must not replace what is loaded; NULL where it may.';
create or replace function loader.record_load(this ops.raw_loads) returns ops.raw_loads
language plpgsql as $$
begin
    if this.status = 'unchanged' then  -- every start says so: the last time is enough
        delete from ops.raw_loads where table_name = this.table_name and status = 'unchanged';
    end if;
    this.loaded_at := now();
    insert into ops.raw_loads (
        table_name, file_name, file_digest, file_bytes, rows_in_file, rows_loaded, rows_rejected, status, message,
        first_payment_date, extraction_month, data_complete_through, evaluate_cutoff
    )
    values (
        this.table_name, this.file_name, this.file_digest, this.file_bytes, this.rows_in_file, this.rows_loaded,
        this.rows_rejected, this.status, this.message,
        this.first_payment_date, this.extraction_month, this.data_complete_through, this.evaluate_cutoff
    )
    returning load_id into this.load_id;
    if this.rows_rejected > 0 then
        insert into ops.raw_rejects (load_id, file_name, line_number, line_text, reason, mended_text)
        select this.load_id, this.file_name, line_number, left(line_text, 10000), reason, mended_text
        from (select line_number, string_agg(reason, '; ') as reason from pg_temp.load_rejects group by 1) as rejects
        join pg_temp.load_lines using (line_number)
        left join (
            -- what a person has mended before need not be mended again
            select distinct on (line_text) line_text, mended_text from ops.raw_rejects
            where file_name = this.file_name and mended_text is not null order by line_text, reject_id desc
        ) as mended using (line_text)
        order by line_number
        limit case when this.status = 'refused' then 10000 end;
        -- the same lines of the same file, rejected at an earlier attempt
        delete from ops.raw_rejects using ops.raw_loads as earlier
        where earlier.load_id = raw_rejects.load_id and earlier.load_id <> this.load_id
          and earlier.table_name = this.table_name and earlier.file_digest = this.file_digest;
    end if;
    return this;
end
$$;
comment on function loader.record_load is 'Write a load and its rejects (of a refused load the first 10,000) down.';

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
comment on function loader.read_and_load is 'Read the file and replace its table''s rows, or say in the message why not.';

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
        raise exception 'CSV_DIR=''%'': expected the absolute path of the folder with the CSV files, as the database server '
            'sees it', csv_dir;
    end if;
    perform set_config('lock_timeout', coalesce(nullif(current_setting('loader.lock_timeout', true), ''), '5min'), true);
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
             from pg_stat_activity where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()),
            'another session'
        );
end
$$;
comment on function ops.load_raw_file is
    'Load the file of a raw table from csv_dir, a folder of the database server; unchanged files are left alone.';
