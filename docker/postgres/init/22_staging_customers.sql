-- staging.customers: one row per customer with a payment. Triggers keep it up to date if somebody changes raw.payments
-- by hand; ml.load, which replaces every payment, switches them off and builds the table in bulk.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

call ops.ensure_table('staging.customers', 'One row per customer with a payment. Source: raw.payments.', array[
    ['customer_id', 'bigint primary key', 'cus_cust_id_buy of the payments.'],
    ['first_payment_date', 'date not null', 'Day of the customer''s first payment.']
]);

create or replace function staging.add_customers() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    -- Writers of payments take turns: neither of two writers at once could see the rows of the other.
    perform pg_advisory_xact_lock(hashtextextended('raw.payments', 0));
    insert into staging.customers as customers (customer_id, first_payment_date)
    select cus_cust_id_buy, min(fecha) from new_payments group by cus_cust_id_buy
    on conflict (customer_id) do update
    set first_payment_date = excluded.first_payment_date
    where customers.first_payment_date > excluded.first_payment_date;
    return null;
end
$$;
comment on function staging.add_customers is 'Trigger: take the customers of inserted payments in.';

create or replace function staging.recount_customers() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('raw.payments', 0));
    if tg_op = 'TRUNCATE' then
        delete from staging.customers;
        return null;
    end if;
    delete from staging.customers where customer_id in (select cus_cust_id_buy from old_payments);
    insert into staging.customers (customer_id, first_payment_date)
    select cus_cust_id_buy, min(fecha)
    from raw.payments
    where cus_cust_id_buy in (select cus_cust_id_buy from old_payments)
    group by cus_cust_id_buy;
    return null;
end
$$;
comment on function staging.recount_customers is 'Trigger: look again at the customers of deleted or changed payments.';

select definition
from (values
    ('payments_added', 'after insert', 'referencing new table as new_payments', 'add_customers'),
    ('payments_deleted', 'after delete', 'referencing old table as old_payments', 'recount_customers'),
    ('payments_changed_1_old', 'after update', 'referencing old table as old_payments', 'recount_customers'),
    ('payments_changed_2_new', 'after update', 'referencing new table as new_payments', 'add_customers'),
    ('payments_truncated', 'after truncate', '', 'recount_customers')
) as stated (name, event, tables, function_name)
cross join lateral format(
    'create trigger %I %s on raw.payments %s for each statement execute function staging.%I()',
    name, event, tables, function_name
) as definition
where not exists (
    select from pg_catalog.pg_trigger
    where tgrelid = 'raw.payments'::regclass and tgname = stated.name
)
\gexec
commit;
