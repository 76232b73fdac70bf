-- Campaigns, who was contacted in them and who was not, and the rows that training may use in spite of them.
\set ON_ERROR_STOP on
set client_min_messages = warning;
set lock_timeout = '90s';
begin;
select pg_advisory_xact_lock(hashtextextended('docker/postgres/init', 0)) as locked \gset

-- SHA-256, so that any language gives the same number, on any version of the server.
create or replace function ops.campaign_draw(salt text, customer_id bigint) returns double precision
language sql immutable parallel safe strict
as $$
    select ('x' || left(encode(sha256(convert_to(salt || ' ' || customer_id, 'UTF8')), 'hex'), 13))::bit(52)::bigint
        / 4503599627370496.0::float8
$$;
comment on function ops.campaign_draw(text, bigint) is
    'A number in [0, 1) fixed by the salt and the customer: the first 52 bits of sha256(''<salt> <customer_id>'').';

create or replace function ops.is_campaign_holdout(customer_id bigint, holdout_share double precision) returns boolean
language sql immutable parallel safe strict
as $$ select ops.campaign_draw('universal holdout of campaigns', customer_id) < holdout_share $$;
comment on function ops.is_campaign_holdout(bigint, double precision) is
    'Whether a customer is in no campaign at all. A larger share keeps those of a smaller one. Independent of ops.customer_bucket.';

create or replace function ops.campaign_arms(
    salt text, control_share double precision, strata int, customers bigint[], scores double precision[]
) returns table (customer_id bigint, stratum int, arm text)
language sql immutable parallel safe
as $$
    with chosen as (
        select
            chosen.customer_id,
            ntile(strata) over (order by chosen.score, chosen.customer_id) as stratum,
            ops.campaign_draw(salt, chosen.customer_id) as draw
        from unnest(customers, scores) as chosen (customer_id, score)
    ),

    ranked as (
        select
            chosen.customer_id,
            chosen.stratum,
            row_number() over (partition by chosen.stratum order by chosen.draw, chosen.customer_id) as place,
            count(*) over (partition by chosen.stratum) as size
        from chosen
    )

    select
        ranked.customer_id,
        ranked.stratum,
        case when ranked.place <= round(ranked.size * control_share::numeric) then 'control' else 'contact' end
    from ranked
$$;
comment on function ops.campaign_arms(text, double precision, int, bigint[], double precision[]) is
    'The arm of each customer: strata by score, and in each the share of control with the lowest draws.';

call ops.ensure_table('ops.campaigns',
    'Grain: one row per campaign, never changed. Source: python -m ml.campaign create.', array[
    ['campaign_id', 'bigint generated always as identity primary key', 'Order of the campaigns.'],
    ['name', 'text not null unique', 'Name that people use.'],
    ['snapshot_date', 'date not null', 'Snapshot whose scores the customers were chosen by.'],
    ['scoring_run_id', 'bigint not null references ops.scoring_runs', 'Run in ops.scoring_runs that gave the scores.'],
    ['model_version', 'text not null', 'Version of churn-logreg that gave the scores.'],
    ['segment', 'jsonb not null', 'What customers had to be: each condition by name; {} = everyone scored.'],
    ['contact_cost', 'double precision not null check (contact_cost >= 0)', 'Pesos a contact, paid for each customer contacted.'],
    ['offer_cost', 'double precision not null check (offer_cost >= 0)', 'Pesos an offer, paid for each contacted customer who stays.'],
    ['save_rate', 'double precision not null check (save_rate between 0 and 1)',
        'Share of the contacted customers who would leave, that the campaign is assumed to keep.'],
    ['margin', 'double precision not null check (margin >= 0)',
        'What a kept customer is worth, as a share of spent_90d.'],
    ['budget', 'double precision check (budget >= 0)', 'Pesos that the contacts may cost as expected; NULL = no limit.'],
    ['capacity', 'bigint check (capacity >= 0)', 'Customers that can be contacted; NULL = no limit.'],
    ['customers', 'bigint not null check (customers > 0)', 'Cut-off: customers chosen, both arms together.'],
    ['control_share', 'double precision not null check (control_share > 0 and control_share < 1)',
        'Share of each stratum in the control arm.'],
    ['holdout_share', 'double precision not null', 'CAMPAIGN_HOLDOUT_SHARE when the customers were chosen.'],
    ['salt', 'text not null', 'Orders the customers of a stratum: ops.campaign_draw(salt, customer_id).'],
    ['starts_on', 'date not null', 'First of the 60 days in which outcomes are counted.'],
    ['created_by', 'text not null', 'Who created it.'],
    ['created_at', 'timestamptz not null default now()', 'When.']
]);
call ops.ensure_table('ops.campaign_assignments',
    'Grain: one row per customer and campaign, never changed. Source: python -m ml.campaign create.', array[
    ['campaign_id', 'bigint not null references ops.campaigns', 'Campaign in ops.campaigns.'],
    ['customer_id', 'bigint not null', 'Customer (CUS_CUST_ID_BUY).'],
    ['arm', 'text not null check (arm in (''contact'', ''control''))', 'contact, or control: chosen alike and left alone.'],
    ['stratum', 'smallint not null', 'Tenth of the chosen customers by score, 1 = the lowest scores.'],
    ['score', 'double precision not null', 'Probability of churn when the customer was chosen.'],
    ['value', 'double precision not null', 'Pesos that keeping the customer was taken to be worth.'],
    ['expected_profit', 'double precision not null', 'Pesos that contacting the customer was expected to gain.']
], 'campaign_id, customer_id');
create index if not exists campaign_assignments_customer on ops.campaign_assignments (customer_id);

-- What a customer did in days that a contact may have changed says nothing about customers who are left alone. So those
-- who were contacted are left out; and because a campaign chooses by what customers did, also after earlier snapshots, as
-- many of those whom it did not choose are left out by the same draw. Of both, the share of control remains, by chance.
create or replace function features.is_changed_by_contact(
    snapshot_date date, label_horizon_days smallint, starts_on date, churn_days int
) returns boolean
language sql immutable parallel safe
as $$ select starts_on < snapshot_date + label_horizon_days and snapshot_date < starts_on + churn_days $$;
comment on function features.is_changed_by_contact(date, smallint, date, int) is
    'Whether the days that a label speaks of overlap the churn_days from the start of a campaign.';

create or replace function features.usable_rows(snapshot_dates date[], churn_days int, as_of date)
returns setof features.churn_weekly_features
language sql stable parallel safe
as $$
    select feature.*
    from features.churn_weekly_features as feature
    where feature.snapshot_date = any(snapshot_dates)
        and features.is_usable_label(feature.snapshot_date, feature.label_horizon_days, churn_days, as_of)
        and not exists (
            select from ops.campaigns as campaign
            left join ops.campaign_assignments as assigned
                on assigned.campaign_id = campaign.campaign_id and assigned.customer_id = feature.customer_id
            where
                features.is_changed_by_contact(
                    feature.snapshot_date, feature.label_horizon_days, campaign.starts_on, churn_days
                )
                and not coalesce(
                    assigned.arm = 'control',
                    ops.campaign_draw(campaign.salt, feature.customer_id) < campaign.control_share
                )
        )
$$;
comment on function features.usable_rows(date[], int, date) is
    'The rows that are trained and measured on: a usable label, of customers who are left alone, as if no campaign had chosen any.';
commit;
