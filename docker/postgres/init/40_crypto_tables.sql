-- The crypto events, and the index with which their daily run finds its window in the raw history.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- The raw history has its dates as text. Both functions are IMMUTABLE, so that an index can use them.
create or replace function ops.crypto_purchase_date(purchase_date text) returns date
language plpgsql immutable strict parallel safe as $$
declare
    stated constant text := btrim(purchase_date, E' \t\n\v\f\r\u00a0');
    day int;
    month int;
    year int;
begin
    if stated !~ '^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$' then
        return null;
    end if;
    day := split_part(stated, '/', 1);
    month := split_part(stated, '/', 2);
    year := split_part(stated, '/', 3);
    if year < 1 or month not between 1 and 12 or day < 1 then
        return null;
    elsif day > 28 and day > extract(day from make_date(year, month, 1) + interval '1 month' - interval '1 day') then
        return null;
    end if;
    return make_date(year, month, day);
end
$$;
comment on function ops.crypto_purchase_date is
    'The date that a text of the form D/M/YYYY states, leading zeros and blanks around it or not; NULL for every other text.';

create or replace function ops.crypto_event_date(purchase_date text, loaded_at timestamptz) returns date
language plpgsql immutable parallel safe as $$
declare
    stated date := ops.crypto_purchase_date(purchase_date);
begin
    return case when stated <= (loaded_at at time zone 'UTC')::date then stated end;
end
$$;
comment on function ops.crypto_event_date is
    'The day of a purchase; NULL where the text is not a date or the date lies after the load of the row (UTC).';

create table if not exists ops.bt_crypto_events (
    site_id text not null,
    user_id bigint not null,
    purchase_date date not null,
    crypto_type text not null,
    purchase_units numeric not null,
    purchase_price numeric not null,
    purchase_value numeric not null check (purchase_value = purchase_price * purchase_units),
    is_active boolean not null default true,
    raw_id bigint not null,
    first_loaded_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (purchase_date, site_id, user_id, crypto_type, purchase_units)
);
comment on table ops.bt_crypto_events is
    'One row per crypto purchase: site, user, day, coin and units. Source: raw.bt_crypto_transaction_history, by etl_crypto_events_d.';
comment on column ops.bt_crypto_events.site_id is 'Site of the purchase, trimmed and upper case.';
comment on column ops.bt_crypto_events.user_id is 'Customer who bought.';
comment on column ops.bt_crypto_events.purchase_date is 'Day of the purchase.';
comment on column ops.bt_crypto_events.crypto_type is 'Coin, trimmed and upper case.';
comment on column ops.bt_crypto_events.purchase_units is 'Units bought; other units are another purchase.';
comment on column ops.bt_crypto_events.purchase_price is 'Price of one unit, US dollars; of several for one purchase the last that arrived.';
comment on column ops.bt_crypto_events.purchase_value is 'purchase_price × purchase_units, US dollars, exact.';
comment on column ops.bt_crypto_events.is_active is 'false: the purchase is no longer in the raw history.';
comment on column ops.bt_crypto_events.raw_id is 'Row of the raw history that says so: the first of the last arrivals that agree on the price.';
comment on column ops.bt_crypto_events.first_loaded_at is 'When the purchase was first loaded.';
comment on column ops.bt_crypto_events.updated_at is 'When the row last changed.';
commit;

-- The window is found by date and rows without a readable date by arrival, at a cost independent of the history.
select 'create index bt_crypto_transaction_history_event_date on raw.bt_crypto_transaction_history'
    ' (ops.crypto_event_date(purchase_date, loaded_at), raw_id)'
where to_regclass('raw.bt_crypto_transaction_history_event_date') is null \gexec
