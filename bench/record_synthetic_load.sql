-- A load on record, so that ops.current_data has dates: payments from 2019-01-01 to 2019-06-30.
insert into ops.raw_loads (
    table_name, file_name, file_digest, status,
    first_payment_date, extraction_month, data_complete_through, evaluate_cutoff
)
select 'raw.payments', 'PAYMENTS.csv', 'synthetic', 'loaded', '2019-01-01', '2019-05-01', '2019-06-30', '2019-07-01'
where not exists (select from ops.raw_loads)
