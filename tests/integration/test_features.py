"""features.churn_weekly_features: every feature as of its snapshot date, against an independent computation."""

from datetime import date

import pytest

from ml.snapshots.catalogue import FEATURES
from tests.integration import churn_by_hand
from tests.integration.churn_snapshots import BESIDE_FEATURES, build, error, features, rows, run_sql

MAY = date(2019, 5, 1)  # month -1 of the sample
BEFORE_MONTH_END, AFTER_MONTH_END = date(2019, 5, 26), date(2019, 6, 9)
FEATURES_WANTED = {
    "spent_7d", "spent_30d", "spent_90d", "payments_30d", "payments_90d", "total_discount_30d", "mau_mp_1", "mau_ml_1",
    "mau_mp_3", "mau_ml_3", "plata_cuenta_1", "plata_cuenta_2", "days_since_activity", "has_inversion", "gender",
    "rango_edad", "tarjetas", "estado",
}  # fmt: skip
NEWCOMER = 900000000  # first payment on t
# What is dated t or later, in every raw table; a month of the files that is not over before t counts as later.
PLANT = (
    """
    insert into raw.payments (fecha, cus_cust_id_sel, cus_cust_id_buy, spent, tpv_segment_detail, descuento)
    select date '{t}' + days, 1, customer_id, 98765.4321, segment, 123.4567
    from (select customer_id from staging.customers where customer_id % 3 = 0 union select {newcomer}) as customers,
        unnest(array[0, 1, 59, 60, 700], array['Transport', 'Utilities', 'X', 'X', null]) as day (days, segment)
    """,
    """
    update raw.active_user set
        mau_mp_1 = 31 - coalesce(mau_mp_1, 0), mau_ml_1 = null,
        last_login_mp_date_1 = date '{t}' + 3, last_login_ml_date_1 = null
    where date '{t}' < '2019-06-01'
    """,
    "update raw.active_user set mau_mp_2 = 17, mau_ml_2 = null where date '{t}' < '2019-05-01'",
    "update raw.dinero_cuenta set plata_cuenta_1 = 1e6 where date '{t}' < '2019-06-01'",
    "update raw.dinero_cuenta set plata_cuenta_2 = null where date '{t}' < '2019-05-01'",
    """
    update raw.marketplace_data set spent_ml = 5e5, recency_ml = '2019-05-31', frequency_ml = 99
    where date '{t}' < '2019-06-01'
    """,
    """
    insert into raw.marketplace_data (cus_cust_id_buy, spent_ml, recency_ml, frequency_ml)
    select cus_cust_id_buy, 777, date '{t}' + 1, 7 from raw.active_user
    where cus_cust_id_buy not in (select cus_cust_id_buy from raw.marketplace_data)
    """,
    "update raw.evaluate set churn = 1 - churn where cus_cust_id_buy % 5 = 0",
    "delete from raw.evaluate where cus_cust_id_buy % 7 = 0",
    "insert into raw.demograficos values ('Moron', {newcomer}, 'male', '08.Mayor de 65 años', 'ATM', 'virginia')",
    "insert into raw.dinero_cuenta values ({newcomer}, 1, 2, 'investing')",
    "insert into raw.active_user values ({newcomer}, 1, 2, 3, 4, 5, 6, '2019-05-31', '2019-05-31')",
    """
    insert into raw.bt_crypto_transaction_history
        (site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units)
    select 'ARGENTINA', customer_id, to_char(date '{t}' + 1, 'DD/MM/YYYY'), 'BTC', 1, 1 from staging.customers
    """,
)
DELETE = (
    "delete from raw.payments where fecha >= '{t}'",
    """
    update raw.active_user set
        mau_mp_1 = null, mau_ml_1 = null, last_login_mp_date_1 = null, last_login_ml_date_1 = null
    where date '{t}' < '2019-06-01'
    """,
    "update raw.active_user set mau_mp_2 = null, mau_ml_2 = null where date '{t}' < '2019-05-01'",
    "update raw.dinero_cuenta set plata_cuenta_1 = null where date '{t}' < '2019-06-01'",
    "update raw.dinero_cuenta set plata_cuenta_2 = null where date '{t}' < '2019-05-01'",
    "delete from raw.marketplace_data where recency_ml >= '{t}' or date '{t}' < '2019-06-01'",
    "delete from raw.evaluate",
    "delete from raw.demograficos where cus_cust_id_buy not in (select customer_id from staging.customers)",
    "truncate raw.bt_crypto_transaction_history",
)


def change_later_rows(database, statements: tuple[str, ...], t: date) -> None:
    """Run PLANT or DELETE for the snapshot date `t`."""
    run_sql(database, *(statement.format(t=t, newcomer=NEWCOMER) for statement in statements))


def assert_same(found: dict[int, dict], expected: dict[int, dict]) -> None:
    """Compare feature by feature, so that a failure names the column; ratios of sums to the last bits."""
    assert set(found) == set(expected)
    for column in next(iter(expected.values())):
        differing = {
            customer: (row[column], expected[customer][column])
            for customer, row in found.items()
            if not (
                row[column] == expected[customer][column]
                or (
                    isinstance(row[column], float)
                    and expected[customer][column] is not None
                    and row[column] == pytest.approx(expected[customer][column], rel=1e-12, abs=0)
                )
            )
        }
        assert not differing, f"{column}: {dict(list(differing.items())[:5])} of {len(differing)} (found, expected)"


@pytest.mark.parametrize("t", ["2019-04-01", "2019-04-28", "2019-05-26", "2019-06-01", "2019-06-09", "2019-07-01"])
def test_every_feature_equals_an_independent_computation(seeded, t):
    t = date.fromisoformat(t)
    raw = churn_by_hand.raw_tables(seeded)
    expected = churn_by_hand.features(raw, t, MAY)
    named, by_hand = {feature.name for feature in FEATURES}, set(next(iter(expected.values())))
    assert not named - by_hand, f"churn_by_hand.py does not compute {', '.join(named - by_hand)}"
    assert not by_hand - named, f"ml/snapshots/catalogue.py does not name {', '.join(by_hand - named)}"
    build(seeded, t)
    found = features(seeded, t)
    assert set(next(iter(found.values()))) == by_hand >= FEATURES_WANTED
    assert_same(found, expected)


@pytest.mark.parametrize("t", [date(2019, 4, 28), BEFORE_MONTH_END, AFTER_MONTH_END], ids=str)
@pytest.mark.parametrize("change", [PLANT, DELETE], ids=["planted", "deleted"])
def test_no_feature_changes_with_rows_dated_t_or_later(seeded, t, change):
    build(seeded, t)
    before = features(seeded, t)
    change_later_rows(seeded, change, t)
    build(seeded, t)
    after = features(seeded, t)
    assert set(after) == set(before)
    for column in next(iter(before.values())):
        changed = [customer for customer in before if before[customer][column] != after[customer][column]]
        assert not changed, f"{column} changed for {len(changed)} customers, such as {changed[:5]}"


@pytest.mark.parametrize("t", [date(2019, 4, 28), BEFORE_MONTH_END], ids=str)
def test_the_rows_planted_are_ones_that_later_snapshots_read(seeded, t):
    later = date(2019, 7, 1)
    build(seeded, later)
    before = features(seeded, later)
    change_later_rows(seeded, PLANT, t)
    build(seeded, later)
    after = features(seeded, later)
    assert_same(after, churn_by_hand.features(churn_by_hand.raw_tables(seeded), later, MAY))
    assert after[NEWCOMER]["segments_90d"] == 2 + (t == date(2019, 4, 28))
    changed = {
        name for customer, row in before.items() for name, value in row.items() if after[customer][name] != value
    }
    assert changed >= {"spent_90d", "days_since_activity", "mau_mp_2", "plata_cuenta_2", "spent_ml", "frequency_ml"}


def test_money_adds_up_to_the_fourth_decimal_whatever_the_order_of_the_rows(seeded):
    build(seeded, BEFORE_MONTH_END)
    before = rows(seeded, BEFORE_MONTH_END)
    run_sql(
        seeded,
        "create table public.shuffled as select * from raw.payments order by random()",
        "delete from raw.payments",
        "insert into raw.payments select * from public.shuffled",
        "alter role meli_pipeline set enable_hashagg = off",
    )
    build(seeded, BEFORE_MONTH_END)
    run_sql(seeded, "alter role meli_pipeline reset enable_hashagg")
    assert rows(seeded, BEFORE_MONTH_END) == before


def test_money_that_is_not_known_stays_null_and_no_payment_is_zero(seeded):
    run_sql(seeded, "update raw.payments set spent = null where cus_cust_id_buy % 2 = 0")
    build(seeded, BEFORE_MONTH_END)
    found = features(seeded, BEFORE_MONTH_END)
    even_payer = next(row for customer, row in found.items() if customer % 2 == 0 and row["payments_30d"] > 0)
    even_absent = next(row for customer, row in found.items() if customer % 2 == 0 and row["payments_90d"] == 0)
    assert (even_payer["spent_30d"], even_payer["spent_trend_90d"]) == (None, None)
    assert (even_absent["spent_30d"], even_absent["spent_90d"]) == (0, 0)
    assert_same(found, churn_by_hand.features(churn_by_hand.raw_tables(seeded), BEFORE_MONTH_END, MAY))


def test_a_source_without_a_value_gives_a_column_of_nulls(seeded):
    run_sql(seeded, "update raw.demograficos set gender = null", "delete from raw.dinero_cuenta")
    build(seeded, BEFORE_MONTH_END)
    found = features(seeded, BEFORE_MONTH_END)
    assert found
    assert {(row["gender"], row["has_inversion"], row["plata_cuenta_1"]) for row in found.values()} == {(None,) * 3}


def test_the_cohort_are_the_customers_with_a_payment_before_t(seeded):
    build(seeded, BEFORE_MONTH_END)
    paid_before = {
        customer
        for (customer,) in seeded.rows(
            "select distinct cus_cust_id_buy from raw.payments where fecha < %(t)s", {"t": BEFORE_MONTH_END}
        )
    }
    assert set(rows(seeded, BEFORE_MONTH_END)) == paid_before


def test_an_empty_cohort_is_an_error_and_leaves_the_snapshot_as_it_was(seeded):
    build(seeded, BEFORE_MONTH_END)
    before = rows(seeded, BEFORE_MONTH_END)
    run_sql(seeded, "delete from staging.customers")
    assert "no customer has a payment before 2019-05-26" in error(seeded, BEFORE_MONTH_END)
    assert rows(seeded, BEFORE_MONTH_END) == before


def test_a_broken_contract_leaves_the_snapshot_as_it_was(seeded, tmp_path):
    build(seeded, BEFORE_MONTH_END)
    before = rows(seeded, BEFORE_MONTH_END)
    (tmp_path / "churn_weekly_features.yml").write_text(
        "table: features.churn_weekly_features\n"
        "key: customer_id\n"
        "where: snapshot_date = %(snapshot_date)s\n"
        "rules: [{expect: spent_7d <= 1}]\n"
    )
    run_sql(seeded, "update raw.payments set spent = spent + 1")
    message = error(seeded, BEFORE_MONTH_END, EXPECTATIONS_DIR=str(tmp_path))
    assert "contract churn_weekly_features.yml is broken" in message
    assert "spent_7d" in message
    assert rows(seeded, BEFORE_MONTH_END) == before


@pytest.mark.parametrize(
    ("table", "column", "value", "limit"),
    [
        ("active_user", "mau_ml_1", "40", "mau_ml_1 >= 0 and mau_ml_1 <= 31"),
        ("dinero_cuenta", "plata_cuenta_1", "'NaN'", "plata_cuenta_1 >= 0 and plata_cuenta_1 < 'infinity'"),
    ],
)
def test_a_value_outside_the_limits_of_the_catalogue_is_named(seeded, table, column, value, limit):
    run_sql(
        seeded,
        f"alter table raw.{table} drop constraint {table}_{column}_check",
        f"update raw.{table} set {column} = {value}",
    )
    assert limit in error(seeded, AFTER_MONTH_END)
    assert rows(seeded, AFTER_MONTH_END) == {}


@pytest.mark.parametrize("t", ["2019-03-31", "2019-07-02", "1999-01-01", "2109-01-01"])
def test_a_date_outside_the_covered_range_is_refused_with_the_range(seeded, t):
    message = error(seeded, t)
    assert f"{t} is outside the covered range 2019-04-01 to 2019-07-01" in message
    assert rows(seeded, t) == {}


@pytest.mark.parametrize("run_type", ["scheduled", "DagRunType.SCHEDULED"])
def test_a_scheduled_run_outside_the_covered_range_is_skipped_with_the_reason(seeded, run_type):
    done = seeded.run("ml.features", "--snapshot-date", "2026-11-22", PIPELINE_RUN_TYPE=run_type)
    assert done.returncode == 99
    assert "outside the covered range 2019-04-01 to 2019-07-01" in done.stderr


@pytest.mark.parametrize("text", ["2019-5-26", "26/05/2019", "2019-02-30", "20190526", "yesterday", ""])
def test_a_date_that_is_none_is_refused(seeded, text):
    done = seeded.run("ml.features", "--snapshot-date", text)
    assert done.returncode == 2
    assert "expected YYYY-MM-DD" in done.stderr


def test_nothing_loaded_says_what_to_run(database):
    assert "make seed" in error(database, BEFORE_MONTH_END)


def test_every_column_says_what_it_measures(database):
    undescribed = database.rows(
        "select attname from pg_attribute"
        " where attrelid = 'features.churn_weekly_features'::regclass and attnum > 0 and not attisdropped"
        " and col_description(attrelid, attnum) is null"
    )
    assert undescribed == []
    columns = database.rows(
        "select attname from pg_attribute"
        " where attrelid = 'features.churn_weekly_features'::regclass and attnum > 0 and not attisdropped"
    )
    assert {*FEATURES_WANTED, *BESIDE_FEATURES} <= {name for (name,) in columns}
