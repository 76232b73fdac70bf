"""What `python -m ml.train` says when it cannot train, and that it registers nothing then."""

import json

import pytest

from tests.integration.churn_rows import fill, forget_models

SNAPSHOT = "2019-05-26"


@pytest.fixture
def train(database, mlflow_uri):
    """Run ml.train on the test's database against a registry without a model."""
    client = forget_models(mlflow_uri)

    def run(*arguments, **env):
        command = arguments or ("--snapshot-date", SNAPSHOT, "--lookback-weeks", "1")
        done = database.run("ml.train", *command, **{"MLFLOW_TRACKING_URI": mlflow_uri, **env})
        if done.returncode != 0:
            assert client.search_model_versions("name = 'churn-logreg'") == []
            assert "Traceback" not in done.stderr
        return done

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
        ([], "required: --snapshot-date"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "0"], "'0' is not a number of weeks (expected 1 to 52)"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "53"], "'53' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "-1"], "'-1' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--lookback-weeks", "eight"], "'eight' is not a number of weeks"),
        (["--snapshot-date", SNAPSHOT, "--weeks", "8"], "unrecognized arguments: --weeks 8"),
    ],
)
def test_wrong_arguments(train, arguments, says):
    done = train(*arguments) if arguments else train("--lookback-weeks", "8")
    assert done.returncode == 2
    assert says in done.stderr


def test_no_data_loaded(train):
    done = train()
    assert done.returncode == 1
    assert "make seed" in done.stderr


def test_date_outside_the_covered_range(train, database):
    fill(database, SNAPSHOT, customers=50)
    done = train("--snapshot-date", "2019-08-04")
    assert done.returncode == 1
    assert "2019-08-04 is outside the covered range 2019-04-01 to 2019-07-01" in done.stderr
    scheduled = train("--snapshot-date", "2019-08-04", PIPELINE_RUN_TYPE="scheduled")
    assert scheduled.returncode == 99
    assert "skipped" in scheduled.stderr


def test_no_usable_snapshot(train, database):
    fill(database, SNAPSHOT, customers=500)
    change(database, "set labeled_churn = null, label_source = null where customer_id % 2 = 0")
    done = train()
    assert done.returncode == 1
    assert "no snapshot up to 2019-05-26 can be trained on: 2019-05-26: " in done.stderr
    assert "99% are needed" in done.stderr


def test_sundays_outside_the_range_are_left_out_and_named(train, database):
    fill(database, "2019-04-07", customers=1500)
    done = train("--snapshot-date", "2019-04-07", "--lookback-weeks", "3")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["training_snapshots"] == ["2019-04-07"]


def test_one_class(train, database):
    fill(database, SNAPSHOT, customers=500)
    change(database, "set labeled_churn = 0 where label_source = 'observed'")
    done = train()
    assert done.returncode == 1
    assert "one class only: 0 churners and" in done.stderr
    assert "EVALUATE_CHURN_MEANS" in done.stderr


def test_too_few_rows(train, database):
    fill(database, SNAPSHOT, customers=60)
    done = train()
    assert done.returncode == 1
    assert "too few rows" in done.stderr
    assert "50 of each are needed" in done.stderr


def test_nobody_active(train, database):
    fill(database, SNAPSHOT, customers=60)
    change(database, "set days_since_activity = 70, label_source = 'inactive_60d', labeled_churn = 1")
    done = train()
    assert done.returncode == 1
    assert "2019-05-26: no active customer" in done.stderr


def test_held_out_rows_too_few_to_measure_are_said_to_be(train, database):
    fill(database, SNAPSHOT, customers=250)
    done = train()
    assert done.returncode == 0, done.stderr
    assert "not measurable" in json.loads(done.stdout.splitlines()[-1])["heldout_metrics"]


def test_column_without_values_is_left_out(train, database):
    fill(database, SNAPSHOT)
    change(database, "set tarjetas = null, spent_7d = null")
    done = train()
    assert done.returncode == 0, done.stderr
    left_out = json.loads(done.stdout.splitlines()[-1])["left_out_features"]
    assert {"tarjetas", "spent_7d"} <= set(left_out)
    assert "gender" not in left_out


def test_mlflow_down(train):
    done = train(MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 75
    assert "MLflow at http://127.0.0.1:9 does not answer" in done.stderr


def test_postgres_down(train):
    done = train(POSTGRES_PORT="9")
    assert done.returncode == 75
    assert "PostgreSQL" in done.stderr
