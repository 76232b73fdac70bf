"""What `python -m ml.train` says when it cannot train, and that it registers nothing then."""

import re
from datetime import date

import pytest

import ml.train
from ml.cli import CommandError, Skip
from tests.integration.churn_rows import call, fill, forget_models

SNAPSHOT = "2019-05-26"
FIRST = "2019-04-07"  # the first Sunday that the synthetic data cover


@pytest.fixture
def train(database, mlflow_uri):
    """Train in this process, against a registry without a model, and return what the command would print."""
    forget_models(mlflow_uri)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    return lambda snapshot=SNAPSHOT, weeks=1, **env: call(
        database, ml.train.train, date.fromisoformat(snapshot), weeks, **env
    )


@pytest.fixture
def refuse(train, mlflow_uri):
    """Training raises `error` with `says` in it, and registers nothing."""

    def run(error, says, snapshot=SNAPSHOT, weeks=1, **env):
        with pytest.raises(error, match=re.escape(says)):
            train(snapshot, weeks, **env)
        assert forget_models(mlflow_uri).search_model_versions("name = 'churn-logreg'") == []

    return run


def change(database, update):
    with database.connect() as conn:
        conn.execute(f"update features.churn_weekly_features {update}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--snapshot-date", "31/05/2019"], "'31/05/2019' is not a date (expected YYYY-MM-DD)"),
        (["--snapshot-date", "2019-02-30"], "'2019-02-30' is not a date"),
        (["--snapshot-date", "2019-5-31"], "'2019-5-31' is not a date"),
        (["--lookback-weeks", "8"], "required: --snapshot-date"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "0"], "'0' is not a number of weeks (expected 1 to 52)"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "53"], "'53' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "-1"], "'-1' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "eight"], "'eight' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--weeks", "8"], "unrecognized arguments: --weeks 8"),
    ],
)
def test_wrong_arguments(arguments, says, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ml.train", *arguments])
    with pytest.raises(SystemExit) as ended:
        ml.train.main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, "error: MLflow at http://127.0.0.1:9 does not answer"),
        ({"POSTGRES_PORT": "9"}, "error: PostgreSQL: "),
    ],
)
def test_services_that_are_down_are_worth_a_retry(database, mlflow_uri, env, says):
    done = database.run("ml.train", "--snapshot-date", SNAPSHOT, **{"MLFLOW_TRACKING_URI": mlflow_uri, **env})
    assert done.returncode == 75
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_no_data_loaded(refuse):
    refuse(CommandError, "make seed")


def test_date_outside_the_covered_range(refuse, database):
    fill(database, SNAPSHOT, customers=50)
    says = "2019-08-04 is outside the covered range 2019-04-01 to 2019-08-01"
    refuse(CommandError, says, "2019-08-04")
    refuse(Skip, says, "2019-08-04", PIPELINE_RUN_TYPE="scheduled")


def test_no_usable_snapshot(refuse, database):
    fill(database, FIRST, customers=500)
    change(
        database, "set labeled_churn = null, label_source = null, label_horizon_days = null where customer_id % 2 = 0"
    )
    refuse(CommandError, "of the active rows have a usable label, 99% are needed", FIRST)


def test_sundays_outside_the_range_are_left_out(train, database):
    fill(database, "2019-04-07")
    assert train("2019-04-07", 3)["training_snapshots"] == [date(2019, 4, 7)]


def test_one_class(refuse, database):
    fill(database, SNAPSHOT, customers=500)
    change(database, "set labeled_churn = 0 where label_source = 'observed'")
    refuse(CommandError, "one class only: 0 churners and")


def test_too_few_rows(refuse, database):
    fill(database, SNAPSHOT, customers=60)
    refuse(CommandError, "too few rows: ")


def test_nobody_active(refuse, database):
    fill(database, FIRST, customers=60)
    change(database, "set days_since_activity = 70, label_source = 'inactive_60d', labeled_churn = 1")
    refuse(CommandError, "2019-04-07: no active customer", FIRST)


def test_held_out_rows_too_few_to_measure_are_said_to_be(train, database):
    fill(database, SNAPSHOT, customers=250)
    assert "not measurable" in train()["heldout_metrics"]


def test_column_without_values_is_left_out(train, database):
    fill(database, SNAPSHOT)
    change(database, "set tarjetas = null, has_inversion = null")
    left_out = train()["left_out_features"]
    assert {"tarjetas", "has_inversion"} <= set(left_out)
    assert "payments_90d" not in left_out
