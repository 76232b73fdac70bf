-- What is written down about a load.

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
