-- The raw tables, one per CSV file and one row per record of it; a column that an old database lacks is added.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists loader.raw_kinds (
    kind text primary key,
    type text not null,
    modifier text not null,
    rule text not null,
    usual text not null,
    expected text not null
);
comment on table loader.raw_kinds is 'One row per kind of field: its SQL type and the rule that a value must keep.';
comment on column loader.raw_kinds.kind is 'Name of the kind.';
comment on column loader.raw_kinds.type is 'SQL type of the table''s column.';
comment on column loader.raw_kinds.modifier is 'Modifier of the table''s column: not null, primary key or nothing.';
comment on column loader.raw_kinds.rule is 'Condition that a value, %1$s, keeps; the table''s check too.';
comment on column loader.raw_kinds.usual is 'Condition on a field''s text, %1$s, under which it needs no closer look.';
comment on column loader.raw_kinds.expected is 'The rule in words, for messages about rejected rows.';

delete from loader.raw_kinds;
insert into loader.raw_kinds (kind, type, modifier, rule, usual, expected) values
('event_day', 'date', 'not null', '', '', 'is not a date (expected YYYY-MM-DD)'),
('day', 'date', '', '', '', 'is not a date (expected YYYY-MM-DD)'),
('key', 'bigint', 'primary key', '%1$s > 0', 'octet_length(%1$s) <= 18 and %1$s ~ ''^[1-9][0-9]*(\.0)?$''',
 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('owner', 'bigint', 'not null', '%1$s > 0', 'octet_length(%1$s) <= 18 and %1$s ~ ''^[1-9][0-9]*(\.0)?$''',
 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('id', 'bigint', '', '%1$s > 0', 'octet_length(%1$s) <= 18 and %1$s ~ ''^[1-9][0-9]*(\.0)?$''',
 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('money', 'numeric', '', '%1$s >= 0 and %1$s < 1e15', 'octet_length(%1$s) <= 15 and %1$s ~ ''^[0-9]+(\.[0-9]+)?$''',
 'is not an amount (expected a number of 0 or more)'),
('month_days', 'smallint', '', '%1$s between 0 and 31', '%1$s ~ ''^([12]?[0-9]|3[01])(\.0)?$''',
 'is not a number of days in a month (expected 0 to 31)'),
('count', 'integer', '', '%1$s >= 0', 'octet_length(%1$s) <= 9 and %1$s ~ ''^[0-9]+(\.0)?$''',
 'is not a count (expected a whole number of 0 or more)'),
('flag', 'smallint', 'not null', '%1$s in (0, 1)', '%1$s ~ ''^[01](\.0)?$''', 'is not a flag (expected 0 or 1)'),
('text', 'text', '', 'octet_length(%1$s) <= 1000', 'octet_length(%1$s) <= 1000', 'is longer than 1000 bytes'),
('any_whole', 'bigint', '', '', 'octet_length(%1$s) <= 18 and %1$s ~ ''^-?[0-9]+(\.0)?$''',
 'is not a whole number of 64 bits'),
('any_number', 'numeric', '', '%1$s > ''-Infinity'' and %1$s < ''Infinity''',
 'octet_length(%1$s) <= 15 and %1$s ~ ''^-?[0-9]+(\.[0-9]+)?$''',
 'is not a number');

do $$
declare
    raw_file record;
    raw_column record;
begin
    for raw_file in select * from loader.raw_files loop
        execute format('create table if not exists %s ()', raw_file.table_name);
        execute format('comment on table %s is %L', raw_file.table_name,
            raw_file.grain || ' Source: ' || raw_file.file_name || ', loaded by ops.load_raw_file.');
    end loop;
    for raw_column in
        select * from loader.raw_columns join loader.raw_kinds using (kind) order by table_name, position
    loop
        perform ops.ensure_column(raw_column.table_name, lower(raw_column.header),
            concat_ws(' ', raw_column.type, raw_column.modifier,
                'check (' || format(nullif(raw_column.rule, ''), lower(raw_column.header)) || ')'));
        execute format('comment on column %s.%I is %L',
            raw_column.table_name, lower(raw_column.header), raw_column.description);
    end loop;
end
$$;

-- The crypto history changes in its source: how its rows arrived is told beside the source's columns.
select bool_or(ops.ensure_column('raw.bt_crypto_transaction_history', stated.name, stated.definition)) as added
from (values
    ('raw_id', 'bigint generated always as identity primary key'),
    ('loaded_at', 'timestamptz not null default now()')
) as stated (name, definition)
\gset
comment on column raw.bt_crypto_transaction_history.raw_id is 'Order of arrival: a later row has a higher number.';
comment on column raw.bt_crypto_transaction_history.loaded_at is 'When the row was loaded.';
commit;

-- Payments lie sorted by day, so that a summary of each range of blocks is index enough for a window of days.
select 'create index payments_fecha on raw.payments using brin (fecha)'
where to_regclass('raw.payments_fecha') is null \gexec
select 'create index payments_customer_fecha on raw.payments (cus_cust_id_buy, fecha)'
where to_regclass('raw.payments_customer_fecha') is null \gexec
