-- What 90_load_raw.sql says to the person who runs it.

create or replace function loader.load_line(this ops.raw_loads) returns text
language sql as $$
    select concat_ws(
        ', ',
        this.file_name || ': ' || this.status,
        case when this.status = 'loaded' then trim(to_char(this.rows_loaded, '999,999,999,990')) || ' rows' end,
        case when this.rows_rejected > 0 then
            format('%s rejected (select * from ops.raw_rejects where load_id = %s)', this.rows_rejected, this.load_id)
        end,
        (
            select format('%s of them mended (select * from ops.replay_raw_rejects())', count(*))
            from ops.raw_rejects
            where load_id = this.load_id and mended_text is not null and this.status = 'loaded'
            having count(*) > 0
        )
    )
$$;
comment on function loader.load_line is 'A load in one line.';

create or replace function loader.require_loads(loads_before bigint) returns void
language plpgsql as $$
declare
    refusals constant text := (
        select string_agg(format('%s %s', file_name, message), E'\n' order by load_id)
        from ops.raw_loads where load_id > loads_before and status = 'refused'
    );
begin
    if refusals is not null then
        raise exception '%', refusals using hint = 'These tables hold what they held before.';
    end if;
end
$$;
comment on function loader.require_loads is 'Fail with every refusal since the given load.';

create or replace function loader.is_sample_file(csv_dir text, file text, digest text) returns boolean
language plpgsql as $$
begin
    return coalesce(
        pg_read_file(csv_dir || '/sample_data/manifest.json', 0, 1000000, true)::jsonb
            -> 'files' -> file ? ('sha256:' || digest),
        false
    );
exception
    when others then return false;  -- a manifest that cannot be read vouches for nothing
end
$$;
comment on function loader.is_sample_file is 'Whether the generator of this project wrote the file.';

create or replace function loader.churn_flag_line(csv_dir text, churn_means text) returns text
language sql as $$
    select format(
        'EVALUATE.csv: churn = 1 for %s %% of the customers, taken to mean that they %s. Where 1 means the opposite, '
        'set EVALUATE_CHURN_MEANS=%s in .env.',
        round(100 * avg(churn), 1),
        case churn_means when 'came_back' then 'came back' else 'stayed away' end,
        case churn_means when 'came_back' then 'stayed_away' else 'came_back' end
    )
    from raw.evaluate
    having not loader.is_sample_file(csv_dir, 'EVALUATE.csv', (
        select file_digest from ops.raw_loads
        where table_name = 'raw.evaluate' and status = 'loaded' order by load_id desc limit 1
    ))
$$;
comment on function loader.churn_flag_line is
    'What a user who brings an EVALUATE.csv of their own has to make sure of; NULL for the sample.';
