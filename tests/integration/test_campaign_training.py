"""Customers contacted in a campaign are neither trained nor measured on while it may change what they do."""

import json
from datetime import date, timedelta

import pytest
from mlflow.tracking import MlflowClient

from ml.campaign import create
from ml.monitoring import realized
from ml.snapshots.closed import open_by_labels
from ml.train import train
from ml.training.dataset import contacted_rows, load
from ml.utils_io import connect
from tests.integration import campaign_customers
from tests.integration.campaign_customers import SNAPSHOT, request
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.conftest import Database

EVERYONE = (0, 1000)
SUNDAYS = [date(2019, 5, 19), date(2019, 5, 26)]
BEFORE, FIRST = SNAPSHOT - timedelta(days=60), SNAPSHOT - timedelta(days=59)  # its 60 days end before it, on it
CONTACTED = """
select customer_id from ops.campaign_assignments join features.churn_weekly_features using (customer_id)
where arm = 'contact' and snapshot_date = %(day)s and label_horizon_days = 60
"""
USABLE = "select count(*) from features.churn_weekly_features where snapshot_date = %(day)s and label_horizon_days = 60"


@pytest.fixture(scope="module")
def database(new_database, empty_template, mlflow_uri) -> Database:
    """Snapshots before and in the 60 days of a campaign of 2,000 customers."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    campaign_customers.score(database, 3000)
    fill(database, *map(str, (BEFORE, FIRST, *SUNDAYS)), customers=3000)
    return database


@pytest.fixture(scope="module")
def first_training(database) -> dict:
    """The training before there was a campaign, which is created after it."""
    result = call(database, train, SUNDAYS[-1], 2)
    assert call(database, train, SUNDAYS[-1], 2)["created"] is False
    call(database, create, request(customers=2000))
    return result


def reading(database: Database, read) -> object:
    def opened() -> object:
        with connect(application_name="test") as conn:
            return read(conn)

    return call(database, opened)


@pytest.mark.parametrize(("day", "is_changed"), [(BEFORE, False), (FIRST, True), (SNAPSHOT, True)])
def test_rows_whose_60_days_overlap_those_of_the_campaign_are_left_out(database, first_training, day, is_changed):
    contacted = {customer for (customer,) in database.rows(CONTACTED, {"day": day})}
    assert len(contacted) > 1000
    ((rows,),) = database.rows(USABLE, {"day": day})
    loaded = set(reading(database, lambda conn: load(conn, [day], EVERYONE))["customer_id"])
    left_out = reading(database, lambda conn: contacted_rows(conn, [day], EVERYONE))
    assert loaded.isdisjoint(contacted) == is_changed
    assert len(loaded) == rows - left_out
    assert left_out == (len(contacted) if is_changed else 0)


def test_controls_stay_in_training(database, first_training):
    ((controls,),) = database.rows(
        "select array_agg(customer_id) from ops.campaign_assignments"
        " join features.churn_weekly_features using (customer_id)"
        " where arm = 'control' and snapshot_date = '2019-05-26' and label_horizon_days = 60"
    )
    loaded = reading(database, lambda conn: load(conn, [SUNDAYS[-1]], EVERYONE))
    assert set(controls) <= set(loaded["customer_id"])


def test_a_campaign_makes_another_version_which_says_how_many_rows_it_left_out(database, first_training, mlflow_uri):
    again = call(database, train, SUNDAYS[-1], 2)
    assert again["created"]
    assert again["data_digest"] != first_training["data_digest"]
    contacted = sum(len(database.rows(CONTACTED, {"day": day})) for day in SUNDAYS)
    assert (first_training["contacted_rows"], again["contacted_rows"]) == (0, contacted)
    version = MlflowClient(mlflow_uri).get_model_version("churn-logreg", again["model_version"])
    assert json.loads(version.tags["contacted_rows"]) == contacted


def test_a_campaign_opens_no_closed_snapshot(database, first_training):
    assert first_training["training_snapshots"] == call(database, train, SUNDAYS[-1], 2)["training_snapshots"]
    assert reading(database, lambda conn: open_by_labels(conn, SNAPSHOT, None)) is None


def test_realized_figures_are_those_of_customers_left_alone(database, first_training):
    (measured,) = reading(database, lambda conn: realized.measure_changed(conn, {SNAPSHOT: "7"}))
    _, rows, _, figures = measured.slices[0]
    scored = "select count(*) from ops.churn_scoring where snapshot_date = %(day)s"
    ((before,),) = database.rows(scored, {"day": SNAPSHOT})
    assert rows == before - len(database.rows(CONTACTED, {"day": SNAPSHOT}))
    assert figures
