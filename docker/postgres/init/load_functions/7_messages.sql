-- What 90_load_raw.sql says to the person who runs it, and the dates that .env states.

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

create or replace function loader.stated_day(variable text, value text) returns date
language plpgsql as $$
declare
    day constant date := loader.iso_day(value || case when value ~ '^\d{4}-\d{2}$' then '-01' else '' end);
begin
    if value <> '' and (day is null or length(value) = 7 and variable <> 'EXTRACTION_MONTH') then
        raise exception '%=''%'' is not a % (set it in .env, or leave it empty to take it from the files)', variable, value,
            case variable when 'EXTRACTION_MONTH' then 'month (expected YYYY-MM)' else 'date (expected YYYY-MM-DD)' end;
    end if;
    return day;
end
$$;
comment on function loader.stated_day is 'The day that a variable states, or NULL where it is empty.';

create or replace function loader.state_dates(extraction_month text, data_complete_through text, evaluate_cutoff text)
returns void
language sql as $$
    update ops.stated_dates
    set
        extraction_month = date_trunc('month', loader.stated_day('EXTRACTION_MONTH', state_dates.extraction_month)),
        data_complete_through = loader.stated_day('DATA_COMPLETE_THROUGH', state_dates.data_complete_through),
        evaluate_cutoff = loader.stated_day('EVALUATE_CUTOFF', state_dates.evaluate_cutoff)
$$;
comment on function loader.state_dates is 'Write down the dates that .env states; empty ones follow from the files.';

create or replace function loader.check_stated_dates() returns void
language plpgsql as $$
declare
    covered constant ops.current_data := (select current_data from ops.current_data);
    found_month constant date := (
        select extraction_month from ops.raw_loads
        where table_name = 'raw.active_user' and status = 'loaded' order by load_id desc limit 1
    );
begin
    if covered.data_complete_through < covered.first_payment_date then
        raise exception 'DATA_COMPLETE_THROUGH=% lies before the first payment, %; correct it in .env',
            covered.data_complete_through, covered.first_payment_date;
    elsif covered.data_complete_through > (now() at time zone 'UTC' + interval '14 hours')::date then
        raise exception 'DATA_COMPLETE_THROUGH=% lies in the future; correct it in .env', covered.data_complete_through;
    elsif covered.evaluate_cutoff > covered.data_complete_through + 1 then
        raise exception 'EVALUATE_CUTOFF=% lies more than a day after the data are complete, %: days between them would '
            'count as days without payments; correct it, or state DATA_COMPLETE_THROUGH, in .env',
            covered.evaluate_cutoff, covered.data_complete_through;
    elsif covered.evaluate_cutoff <= covered.first_payment_date then
        raise exception 'EVALUATE_CUTOFF=% does not lie after the first payment, %; correct it in .env',
            covered.evaluate_cutoff, covered.first_payment_date;
    elsif covered.extraction_month < found_month then
        raise exception 'EXTRACTION_MONTH=% lies before the last logins in ACTIVE_USER.csv, which are of %; correct it in .env',
            to_char(covered.extraction_month, 'YYYY-MM'), to_char(found_month, 'YYYY-MM');
    end if;
end
$$;
comment on function loader.check_stated_dates is 'Fail where a stated date contradicts the loaded files.';

create or replace function loader.is_sample_file(csv_dir text, file text, digest text) returns boolean
language plpgsql as $$
begin
    return coalesce(
        pg_read_file(csv_dir || '/sample_data/manifest.json', 0, 1000000, true)::jsonb -> 'files' -> file ? ('sha256:' || digest),
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
        'EVALUATE.csv: churn = 1 for %s %% of the customers, taken to mean that they %s. Where 1 means the opposite, set '
        'EVALUATE_CHURN_MEANS=%s in .env.',
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
