-- What the CSV files hold, column by column: the raw tables, the header check, the conversion of fields and the
-- comments all come from here.
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
comment on table loader.raw_files is 'One row per CSV file that is loaded. Source: 20_raw_columns.sql.';
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
comment on table loader.raw_columns is 'One row per column of a CSV file. Source: 20_raw_columns.sql.';
comment on column loader.raw_columns.table_name is 'Table that holds the file''s rows.';
comment on column loader.raw_columns.position is 'Place in the file, from 1.';
comment on column loader.raw_columns.header is
    'Name in the file''s first line; the table''s column is this name in lower case.';
comment on column loader.raw_columns.kind is 'What a field may hold, see loader.raw_kinds.';
comment on column loader.raw_columns.description is 'What the column says, with its unit.';

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

delete from loader.raw_columns;
insert into loader.raw_columns (table_name, position, header, kind, description) values
('raw.payments', 1, 'FECHA', 'event_day', 'Day of the payment.'),
('raw.payments', 2, 'CUS_CUST_ID_SEL', 'id', 'Seller who was paid.'),
('raw.payments', 3, 'CUS_CUST_ID_BUY', 'owner', 'Customer who paid.'),
('raw.payments', 4, 'SPENT', 'money', 'Amount paid, Argentine pesos.'),
('raw.payments', 5, 'TPV_SEGMENT_DETAIL', 'text', 'What was paid for, e.g. Cellphone Recharge, Transport, Instore.'),
('raw.payments', 6, 'DESCUENTO', 'money', 'Discount granted on the payment, Argentine pesos.'),
('raw.active_user', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.active_user', 2, 'MAU_MP_3', 'month_days', 'Days with a visit to the MercadoPago app in month -3.'),
('raw.active_user', 3, 'MAU_ML_3', 'month_days', 'Days with a visit to the MercadoLibre app in month -3.'),
('raw.active_user', 4, 'MAU_MP_2', 'month_days', 'Days with a visit to the MercadoPago app in month -2.'),
('raw.active_user', 5, 'MAU_ML_2', 'month_days', 'Days with a visit to the MercadoLibre app in month -2.'),
('raw.active_user', 6, 'MAU_MP_1', 'month_days',
 'Days with a visit to the MercadoPago app in month -1, the extraction month.'),
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
('raw.dinero_cuenta', 2, 'PLATA_CUENTA_1', 'money',
 'Highest balance in month -1, the extraction month, Argentine pesos.'),
('raw.dinero_cuenta', 3, 'PLATA_CUENTA_2', 'money', 'Highest balance in month -2, Argentine pesos.'),
('raw.dinero_cuenta', 4, 'INVERSION', 'text',
 'State of the investment account; only investing means that the customer invests.'),
('raw.evaluate', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.evaluate', 2, 'churn', 'flag',
 '1 or 0; EVALUATE_CHURN_MEANS says what 1 is: in the sample a customer who stayed away.'),
('raw.marketplace_data', 1, 'CUS_CUST_ID_BUY', 'key', 'Customer.'),
('raw.marketplace_data', 2, 'SPENT_ML', 'money', 'Amount spent in the marketplace, Argentine pesos.'),
('raw.marketplace_data', 3, 'RECENCY_ML', 'day', 'Day of the last marketplace purchase.'),
('raw.marketplace_data', 4, 'FREQUENCY_ML', 'count', 'Days with a marketplace purchase.'),
('raw.bt_crypto_transaction_history', 1, 'site_id', 'text',
 'Site of the purchase, e.g. ARGENTINA; blanks and mixed case occur.'),
('raw.bt_crypto_transaction_history', 2, 'user_id', 'any_whole', 'Customer who bought.'),
('raw.bt_crypto_transaction_history', 3, 'purchase_date', 'text',
 'Day of the purchase as text, D/M/YYYY; impossible dates occur.'),
('raw.bt_crypto_transaction_history', 4, 'crypto_type', 'text', 'Coin, e.g. BTC; blanks and mixed case occur.'),
('raw.bt_crypto_transaction_history', 5, 'purchase_price', 'any_number', 'Price of one unit, US dollars.'),
('raw.bt_crypto_transaction_history', 6, 'purchase_units', 'any_number', 'Units bought.');
commit;
