-- Rejected rows that a person has mended go into their table.

create or replace function loader.reject_replayed_rows(target text, rejecting ops.raw_loads) returns void
language plpgsql as $$
declare
    key_column constant text := loader.key_column(target);
begin
    if target = 'raw.payments' then
        insert into pg_temp.load_rejects
        select line_number, format('FECHA ''%s'' lies outside the loaded payments, %s to %s',
            fecha, rejecting.first_payment_date, rejecting.data_complete_through)
        from pg_temp.landing
        where loader.iso_day(fecha) not between rejecting.first_payment_date and rejecting.data_complete_through;
    elsif target = 'raw.active_user' then
        insert into pg_temp.load_rejects
        select line_number, format(
            'a last login lies after the extraction month, %s', to_char(rejecting.extraction_month, 'YYYY-MM')
        )
        from pg_temp.landing
        where greatest(loader.iso_day(last_login_mp_date_1), loader.iso_day(last_login_ml_date_1))
            >= rejecting.extraction_month + interval '1 month';
    end if;
    if key_column is not null then
        execute format(
            'insert into pg_temp.load_rejects
             select line_number, format(''%1$s %%s is loaded already'', landed.%2$I)
             from (
                 select line_number, %2$I from pg_temp.landing
                 where not exists (
                     select from pg_temp.load_rejects where load_rejects.line_number = landing.line_number
                 )
                 offset 0
             ) as landed
             join %3$s as loaded on loaded.%2$I = %4$s',
            upper(key_column), key_column, target, loader.value_sql(format('landed.%I', key_column), 'bigint')
        );
    end if;
end
$$;
comment on function loader.reject_replayed_rows is 'What a mended row must keep beside the rules for every row.';

create or replace function ops.replay_raw_rejects() returns setof ops.raw_loads
language plpgsql set search_path = pg_catalog, pg_temp set datestyle = 'ISO, YMD' as $$
declare
    rejecting ops.raw_loads;
    this ops.raw_loads;
begin
    perform set_config('lock_timeout', '5min', true);
    perform pg_advisory_xact_lock_shared(hashtextextended('loader', 0));
    for rejecting in
        select distinct on (table_name) * from ops.raw_loads where status = 'loaded' order by table_name, load_id desc
    loop
        perform pg_advisory_xact_lock(hashtextextended(rejecting.table_name, 0));
        perform loader.make_landing(rejecting.table_name);
        insert into pg_temp.load_lines (line_number, line_text)
        select reject_id, mended_text from ops.raw_rejects
        where load_id = rejecting.load_id and mended_text is not null and replayed_load_id is null;
        continue when not found;

        this := null;
        this.table_name := rejecting.table_name;
        this.file_name := rejecting.file_name;
        this.status := 'replayed';
        select encode(sha256(convert_to(string_agg(line_text, E'\n' order by line_number), 'UTF8')), 'hex')
        into this.file_digest from pg_temp.load_lines;
        this.rows_in_file := loader.land_lines(rejecting.table_name);
        perform loader.find_days(rejecting.table_name, 'pg_temp.landing');
        perform loader.reject_rows(rejecting.table_name);
        perform loader.reject_replayed_rows(rejecting.table_name, rejecting);
        this.rows_loaded := loader.insert_landed(rejecting.table_name);
        this.rows_rejected := 0;  -- they keep their place in ops.raw_rejects, with the new reason
        this.message := format('%s mended rows of load %s', this.rows_loaded, rejecting.load_id);
        this := loader.record_load(this);
        update ops.raw_rejects set reason = 'mended, but ' || rejects.reason
        from (select line_number, string_agg(reason, '; ') as reason from pg_temp.load_rejects group by 1) as rejects
        where reject_id = rejects.line_number;
        update ops.raw_rejects set replayed_load_id = this.load_id
        where reject_id in (select load_lines.line_number from pg_temp.load_lines)
          and reject_id not in (select load_rejects.line_number from pg_temp.load_rejects);
        return next this;
    end loop;
end
$$;
comment on function ops.replay_raw_rejects is
    'Take the rejects of the present loads whose mended_text is filled in into their tables; the rest stays rejected.';
