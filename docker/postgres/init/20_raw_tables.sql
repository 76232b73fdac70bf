-- The raw tables, one per CSV file and one row per record of it. loader.raw_columns states each column once: the table,
-- the header check, the conversion and the comment all come from there, and so does a column that an old database lacks.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

create table if not exists loader.raw_files (
    table_name text primary key,
    file_name text not null,
    sorted_by text not null,
    grain text not null
);
comment on table loader.raw_files is 'One row per CSV file that is loaded. Source: 20_raw_tables.sql.';
comment on column loader.raw_files.table_name is 'Table that holds the file''s rows.';
comment on column loader.raw_files.file_name is 'Path of the file below CSV_DIR.';
comment on column loader.raw_files.sorted_by is 'Order in which the rows lie on disk; ctid: as in the file.';
comment on column loader.raw_files.grain is 'What one row of the file is.';

create table if not exists loader.raw_columns (
    table_name text not null,
    position int not null,
    header text not null,
    kind text not null,
    description text not null,
    primary key (table_name, position)
);
comment on table loader.raw_columns is 'One row per column of a CSV file. Source: 20_raw_tables.sql.';
comment on column loader.raw_columns.table_name is 'Table that holds the file''s rows.';
comment on column loader.raw_columns.position is 'Place in the file, from 1.';
comment on column loader.raw_columns.header is 'Name in the file''s first line; the table''s column is this name in lower case.';
comment on column loader.raw_columns.kind is 'What a field may hold, see loader.raw_kinds.';
comment on column loader.raw_columns.description is 'What the column says, with its unit.';

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
comment on column loader.raw_kinds.rule is 'Condition that a value keeps, %1$s standing for it: the table''s check too.';
comment on column loader.raw_kinds.usual is 'Condition on a field''s text, %1$s, under which it needs no closer look.';
comment on column loader.raw_kinds.expected is 'The rule in words, for messages about rejected rows.';

delete from loader.raw_files;
insert into loader.raw_files (table_name, file_name, sorted_by, grain) values
('raw.payments', 'PAYMENTS.csv', 'fecha', 'One row per payment of a customer (no key).'),
('raw.active_user', 'ACTIVE_USER.csv', 'cus_cust_id_buy', 'One row per customer: visits in the last three months.'),
('raw.demograficos', 'DEMOGRAFICOS.csv', 'cus_cust_id_buy', 'One row per customer whose demographics are known.'),
('raw.dinero_cuenta', 'DINERO_CUENTA.csv', 'cus_cust_id_buy', 'One row per customer with a wallet account.'),
('raw.evaluate', 'EVALUATE.csv', 'cus_cust_id_buy',
 'One row per customer: whether they paid again in the two months after the last payment date.'),
('raw.marketplace_data', 'MARKETPLACE_DATA.csv', 'cus_cust_id_buy', 'One row per customer of the marketplace.'),
('raw.bt_crypto_transaction_history', 'sample_data/crypto_transaction_history.csv', 'ctid',
 'One row per arrival of a crypto purchase, as the operational system wrote it: duplicates and dirt included.');

delete from loader.raw_kinds;
insert into loader.raw_kinds (kind, type, modifier, rule, usual, expected) values
('event_day', 'date', 'not null', '', '', 'is not a date (expected YYYY-MM-DD)'),
('day', 'date', '', '', '', 'is not a date (expected YYYY-MM-DD)'),
('key', 'bigint', 'primary key', '%1$s > 0', '%1$s ~ ''^[1-9]\d{0,17}(\.0)?$''', 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('owner', 'bigint', 'not null', '%1$s > 0', '%1$s ~ ''^[1-9]\d{0,17}(\.0)?$''', 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('id', 'bigint', '', '%1$s > 0', '%1$s ~ ''^[1-9]\d{0,17}(\.0)?$''', 'is not an id (expected a whole number from 1 to 2^63 - 1)'),
('money', 'numeric', '', '%1$s >= 0 and %1$s < 1e15', '%1$s ~ ''^\d{1,15}(\.\d{1,10})?$''', 'is not an amount (expected a number of 0 or more)'),
('month_days', 'smallint', '', '%1$s between 0 and 31', '%1$s ~ ''^([12]?\d|3[01])(\.0)?$''', 'is not a number of days in a month (expected 0 to 31)'),
('count', 'integer', '', '%1$s >= 0', '%1$s ~ ''^\d{1,9}(\.0)?$''', 'is not a count (expected a whole number of 0 or more)'),
('flag', 'smallint', 'not null', '%1$s in (0, 1)', '%1$s ~ ''^[01](\.0)?$''', 'is not a flag (expected 0 or 1)'),
('text', 'text', '', 'octet_length(%1$s) <= 1000', 'octet_length(%1$s) <= 1000', 'is longer than 1000 bytes'),
('any_whole', 'bigint', '', '', '%1$s ~ ''^-?\d{1,18}(\.0)?$''', 'is not a whole number of 64 bits'),
('any_number', 'numeric', '', '%1$s > ''-Infinity'' and %1$s < ''Infinity''', '%1$s ~ ''^-?\d{1,15}(\.\d{1,10})?$''', 'is not a number');

delete from loader.raw_columns;
insert into loader.raw_columns (table_name, position, header, kind, description) values
('raw.payments', 1, 'FECHA', 'event_day', 'Day of the payment.'),
('raw.payments', 2, 'CUS_CUST_ID_SEL', 'id', 'Seller who was paid.'),
('raw.payments', 3, 'CUS_CUST_ID_BUY', 'owner', 'Customer who paid.'),
('raw.payments', 4, 'SPENT', 'money', 'Amount paid, Argentine pesos.'),
('raw.payments', 5, 'TPV_SEGMENT_DETAIL', 'text', 'What was paid for, e.g. Cellphone Recharge, Transport, Instore.'),
('raw.payments', 6, 'DESCUENTO', 'money', 'Discount granted on the payment, Argentine pesos.'),
('raw.active_user', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.active_user', 2, 'MAU_MP_3', 'month_days', 'Days with a visit to the MercadoPago app in month -3 (two before the extraction month).'),
('raw.active_user', 3, 'MAU_ML_3', 'month_days', 'Days with a visit to the MercadoLibre app in month -3.'),
('raw.active_user', 4, 'MAU_MP_2', 'month_days', 'Days with a visit to the MercadoPago app in month -2.'),
('raw.active_user', 5, 'MAU_ML_2', 'month_days', 'Days with a visit to the MercadoLibre app in month -2.'),
('raw.active_user', 6, 'MAU_MP_1', 'month_days', 'Days with a visit to the MercadoPago app in month -1 (the extraction month).'),
('raw.active_user', 7, 'MAU_ML_1', 'month_days', 'Days with a visit to the MercadoLibre app in month -1.'),
('raw.active_user', 8, 'last_login_mp_date_1', 'day', 'Last visit to the MercadoPago app in month -1.'),
('raw.active_user', 9, 'last_login_ml_date_1', 'day', 'Last visit to the MercadoLibre app in month -1.'),
('raw.demograficos', 1, 'CITY', 'text', 'City, free text.'),
('raw.demograficos', 2, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.demograficos', 3, 'GENDER', 'text', 'male, female or Unknown.'),
('raw.demograficos', 4, 'RANGO_EDAD', 'text', 'Age range, numbered; 00. Sin Dato where it is not known.'),
('raw.demograficos', 5, 'TARJETAS', 'text', 'Usual means of payment, e.g. Credit Card, Account Money.'),
('raw.demograficos', 6, 'ESTADO', 'text', 'Province.'),
('raw.dinero_cuenta', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer; written as a float in the file (54018.0).'),
('raw.dinero_cuenta', 2, 'PLATA_CUENTA_1', 'money', 'Highest balance in month -1 (the extraction month), Argentine pesos.'),
('raw.dinero_cuenta', 3, 'PLATA_CUENTA_2', 'money', 'Highest balance in month -2, Argentine pesos.'),
('raw.dinero_cuenta', 4, 'INVERSION', 'text', 'State of the investment account; only investing means that the customer invests.'),
('raw.evaluate', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.evaluate', 2, 'churn', 'flag', '1 or 0, see EVALUATE_CHURN_MEANS: in the sample 1 is a customer who stayed away.'),
('raw.marketplace_data', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.marketplace_data', 2, 'SPENT_ML', 'money', 'Amount spent in the marketplace, Argentine pesos.'),
('raw.marketplace_data', 3, 'RECENCY_ML', 'day', 'Day of the last marketplace purchase.'),
('raw.marketplace_data', 4, 'FREQUENCY_ML', 'count', 'Days with a marketplace purchase.'),
('raw.bt_crypto_transaction_history', 1, 'site_id', 'text', 'Site of the purchase, e.g. ARGENTINA; blanks and mixed case occur.'),
('raw.bt_crypto_transaction_history', 2, 'user_id', 'any_whole', 'Customer who bought.'),
('raw.bt_crypto_transaction_history', 3, 'purchase_date', 'text', 'Day of the purchase as text, D/M/YYYY; impossible dates occur.'),
('raw.bt_crypto_transaction_history', 4, 'crypto_type', 'text', 'Coin, e.g. BTC; blanks and mixed case occur.'),
('raw.bt_crypto_transaction_history', 5, 'purchase_price', 'any_number', 'Price of one unit, US dollars.'),
('raw.bt_crypto_transaction_history', 6, 'purchase_units', 'any_number', 'Units bought.');

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
    for raw_column in select * from loader.raw_columns join loader.raw_kinds using (kind) order by table_name, position loop
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
