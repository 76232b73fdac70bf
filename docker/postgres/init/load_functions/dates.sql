-- The dates that .env states in place of those found in the files.

create or replace function loader.stated_day(variable text, value text) returns date
language plpgsql as $$
declare
    day constant date := loader.iso_day(value || case when value ~ '^[0-9]{4}-[0-9]{2}$' then '-01' else '' end);
begin
    if value <> '' and (day is null or length(value) = 7 and variable <> 'EXTRACTION_MONTH') then
        raise exception '%=''%'' is not a % (set it in .env, or leave it empty to take it from the files)',
            variable, value,
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
        raise exception 'EVALUATE_CUTOFF=% lies more than a day after the data are complete, %: days between them '
            'would count as days without payments; correct it, or state DATA_COMPLETE_THROUGH, in .env',
            covered.evaluate_cutoff, covered.data_complete_through;
    elsif covered.evaluate_cutoff <= covered.first_payment_date then
        raise exception 'EVALUATE_CUTOFF=% does not lie after the first payment, %; correct it in .env',
            covered.evaluate_cutoff, covered.first_payment_date;
    elsif covered.extraction_month < found_month then
        raise exception 'EXTRACTION_MONTH=% lies before the last logins in ACTIVE_USER.csv, of %; correct it in .env',
            to_char(covered.extraction_month, 'YYYY-MM'), to_char(found_month, 'YYYY-MM');
    end if;
end
$$;
comment on function loader.check_stated_dates is 'Fail where a stated date contradicts the loaded files.';
