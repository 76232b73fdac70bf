"""Bad input to the crypto events: each is told what is wrong and what to do, and nothing is lost."""

import pytest

from tests.integration.crypto_history import contract_folder, etl, etl_error, events, forget, plant

DAY = ("--snapshot-date", "2019-05-20")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: step"),
        (["load", *DAY], "invalid choice: 'load'"),
        (["run"], "required: --snapshot-date"),
        (["run", "--snapshot-date", "20/5/2019"], "'20/5/2019' is not a date (expected YYYY-MM-DD)"),
        (["run", "--snapshot-date", "2019-02-31"], "'2019-02-31' is not a date"),
        (["run", "--snapshot-date", "20190520"], "'20190520' is not a date"),
        (["check", *DAY, "--force"], "unrecognized arguments: --force"),
    ],
)
def test_arguments(database, arguments, message):
    assert message in etl_error(database, *arguments, code=2)


def test_dates_outside_the_history(database):
    load = "has no row with a readable date; load it: make seed"
    assert load in etl_error(database, "run", *DAY)
    plant(database, {"purchase_date": "x"})
    assert load in etl_error(database, "run", *DAY)
    plant(database, {"purchase_date": "1/5/2019"}, {"purchase_date": "30/6/2019"})
    for day in ("2019-04-30", "2019-07-06"):
        told = etl_error(database, "run", "--snapshot-date", day)
        assert told == f"error: {day} is outside the range of the crypto history, 2019-05-01 to 2019-07-05"
        told = etl_error(database, "run", "--snapshot-date", day, code=99, PIPELINE_RUN_TYPE="scheduled")
        assert told.startswith(f"skipped: {day} is outside the range")
    assert etl(database, "2019-05-01")["rows_loaded"] == 1
    assert etl(database, "2019-07-05", PIPELINE_RUN_TYPE="scheduled")["rows_loaded"] == 2


def test_steps_out_of_order(database):
    plant(database, {})
    for step in ("check", "publish"):
        told = etl_error(database, step, *DAY)
        assert (
            "nothing is staged for 2019-05-20 by run 'shell'; stage it first: python -m ml.crypto_events stage" in told
        )
    etl(database, "2019-05-20", step="stage")
    assert "is staged, not checked; check it: python -m ml.crypto_events check" in etl_error(database, "publish", *DAY)
    assert "by run 'other'" in etl_error(database, "check", *DAY, PIPELINE_RUN_ID="other")
    assert etl(database, "2019-05-20", step="check")["rows_checked"] == 1
    with database.connect() as conn:
        conn.execute("delete from staging.crypto_events")
    assert "staged 1 rows and 0 are left; stage again" in etl_error(database, "publish", *DAY)
    assert etl(database, "2019-05-20")["rows_loaded"] == 1


def test_a_window_that_has_become_empty(database):
    raw_ids = plant(database, *({"user_id": user} for user in range(5)), {"purchase_date": "1/5/2019"})
    etl(database, "2019-05-20")
    forget(database, *raw_ids[:5])
    for day in ("2019-05-20", "2019-05-22"):  # the second lies outside what is left of the history
        told = etl_error(database, "run", "--snapshot-date", day, PIPELINE_RUN_TYPE="scheduled")
        assert "no purchase was read for 2019-05-1" in told
        assert "where 5 events are active" in told
        assert "run again with force" in told
    assert all(row[7] for row in events(database))
    assert database.rows("select distinct status from ops.crypto_runs where kind = 'window'") == [("failed",)]
    assert etl(database, "2019-05-20", "--force")["rows_deactivated"] == 5


def test_too_many_deactivations(database):
    raw_ids = plant(database, *({"user_id": user} for user in range(10)))
    etl(database, "2019-05-20")
    forget(database, *raw_ids[:3])
    told = etl_error(database, "run", *DAY)
    assert "3 of 10 active events from 2019-05-15 to 2019-05-20 would be deactivated, 30.0%" in told
    assert "CRYPTO_MAX_DEACTIVATED_SHARE=0.2 allows 20.0%" in told
    assert etl(database, "2019-05-20", CRYPTO_MAX_DEACTIVATED_SHARE="0.3")["rows_deactivated"] == 3
    forget(database, raw_ids[3])
    assert etl(database, "2019-05-20", "--force")["rows_deactivated"] == 1


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "CRYPTO_MAX_DEACTIVATED_SHARE",
            "2",
            "CRYPTO_MAX_DEACTIVATED_SHARE='2': Input should be less than or equal to 1",
        ),
        ("CRYPTO_MAX_DEACTIVATED_SHARE", "many", "CRYPTO_MAX_DEACTIVATED_SHARE='many': Input should be a valid number"),
        ("EXPECTATIONS_DIR", "/nowhere", "no contract 'bt_crypto_events' in /nowhere; there are: none"),
    ],
)
def test_environment(database, variable, value, message):
    plant(database, {})
    assert message in etl_error(database, "run", *DAY, **{variable: value})


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [("POSTGRES_PASSWORD", "wrong", "password authentication failed"), ("POSTGRES_PORT", "1", "refused")],
)
def test_a_server_that_does_not_let_in_is_tried_again(database, variable, value, message):
    assert message in etl_error(database, "run", *DAY, code=75, **{variable: value})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("unique: site_id", "uniq: site_id", "rule 15 {'uniq': 'site_id, user_id, "),
        ("expect: user_id", "expect: customer", 'reject user missing): column "customer" does not'),
        ("site_id in ('ARGENTINA', 'BRASIL', 'MEXICO')", "site_id in (false)", "operator does not exist"),
        ("purchase_units > 0", "purchase_units > 'nothing'", "rule 8 (expect purchase_units > 'nothing', reject"),
        ("abs(purchase_units) < 'infinity'", "site_id ~ '('", "invalid regular expression: parentheses"),
        ("abs(purchase_units) < 'infinity'", "site_id::int > 0", "a rule with reject: invalid input syntax for type"),
        ("purchase_units > 0", "purchase_units > 0) or (1 = 1", "syntax error"),
        ("table: staging", "table: stage", 'relation "stage.crypto_events" does not exist'),
        ("rules:", "rules: [", "bt_crypto_events.yml is not YAML"),
    ],
)  # fmt: skip
def test_contract(database, tmp_path, old, new, message):
    plant(database, {})
    assert message in etl_error(database, "run", *DAY, EXPECTATIONS_DIR=contract_folder(tmp_path, old, new))
    assert events(database) == []


def test_a_contract_without_a_rule_that_the_table_needs(database, tmp_path):
    plant(database, {"purchase_price": None})
    rule = "  - expect: purchase_price is not null\n    reject: price missing\n"
    lax = contract_folder(tmp_path, rule, "")
    told = etl_error(database, "run", *DAY, EXPECTATIONS_DIR=lax)
    assert "expect purchase_value is not null: 1 of 1 rows, such as 1" in told
    laxer = contract_folder(tmp_path, "  - expect: purchase_value is not null\n", "")
    told = etl_error(database, "run", *DAY, EXPECTATIONS_DIR=laxer)
    assert "ops.bt_crypto_events refuses what is staged: null value in column" in told


def test_a_role_that_may_not_write(database):
    plant(database, {})
    told = database.run(
        "ml.crypto_events", "run", *DAY, POSTGRES_USER="meli_reader", POSTGRES_PASSWORD="reader"
    )  # fmt: skip
    assert told.returncode == 1
    assert "cannot execute" in told.stderr or "permission denied" in told.stderr
