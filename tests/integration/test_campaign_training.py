"""Those who remain in training and in figures beside a campaign are a random sample of customers left alone."""

import json
from datetime import date, timedelta

import pytest
from mlflow.tracking import MlflowClient

from ml.campaign import create
from ml.monitoring import realized
from ml.snapshots.closed import open_by_labels
from ml.train import train
from ml.training.dataset import load, with_usable_label
from ml.utils_io import connect
from tests.integration import campaign_customers
from tests.integration.campaign_customers import SNAPSHOT, request
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.conftest import Database

EVERYONE = (0, 1000)
SUNDAYS = [date(2019, 5, 19), date(2019, 5, 26)]
BEFORE, FIRST = SNAPSHOT - timedelta(days=60), SNAPSHOT - timedelta(days=59)  # its 60 days end before it, on it
USABLE_ROWS = "from features.churn_weekly_features where snapshot_date = %(day)s and label_horizon_days = 60"
DRAWN = (
    """
select customer_id, arm, ops.campaign_draw(salt, customer_id) < control_share
from (select customer_id """
    + USABLE_ROWS
    + """) as usable
cross join ops.campaigns
left join ops.campaign_assignments using (campaign_id, customer_id)
"""
)


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


def left_alone(database: Database, day: date) -> set[int]:
    """Customers with a usable label whom the campaign leaves in: controls, and by chance some of those not chosen."""
    drawn = database.rows(DRAWN, {"day": day})
    return {customer for customer, arm, below in drawn if arm == "control" or (arm is None and below)}


def usable(database: Database, day: date) -> int:
    """Customers with a usable label, campaigns or not."""
    return database.rows("select count(*) " + USABLE_ROWS, {"day": day})[0][0]


@pytest.mark.parametrize(("day", "is_changed"), [(BEFORE, False), (FIRST, True), (SNAPSHOT, True)])
def test_where_the_60_days_overlap_those_of_the_campaign_its_draw_says_who_remains(
    database, first_training, day, is_changed
):
    loaded = set(reading(database, lambda conn: load(conn, [day], EVERYONE))["customer_id"])
    without_campaigns = reading(database, lambda conn: with_usable_label(conn, [day], EVERYONE))
    assert without_campaigns == usable(database, day)
    assert (loaded == left_alone(database, day)) == is_changed
    assert (len(loaded) == without_campaigns) == (not is_changed)


def test_of_the_chosen_and_of_the_others_the_same_share_remains(database, first_training):
    drawn = database.rows(DRAWN, {"day": SNAPSHOT})
    kept = left_alone(database, SNAPSHOT)
    for is_chosen in (True, False):
        of = [customer for customer, arm, _ in drawn if (arm is not None) == is_chosen]
        assert len(of) > 500
        assert len(kept.intersection(of)) / len(of) == pytest.approx(0.3, abs=0.06)


def test_a_campaign_makes_another_version_which_says_how_many_rows_it_left_out(database, first_training, mlflow_uri):
    again = call(database, train, SUNDAYS[-1], 2)
    assert again["created"]
    assert again["data_digest"] != first_training["data_digest"]
    left_out = sum(usable(database, day) - len(left_alone(database, day)) for day in SUNDAYS)
    assert (first_training["left_out_by_campaigns"], again["left_out_by_campaigns"]) == (0, left_out)
    version = MlflowClient(mlflow_uri).get_model_version("churn-logreg", again["model_version"])
    assert json.loads(version.tags["left_out_by_campaigns"]) == left_out


def test_a_campaign_opens_no_closed_snapshot(database, first_training):
    assert first_training["training_snapshots"] == call(database, train, SUNDAYS[-1], 2)["training_snapshots"]
    assert reading(database, lambda conn: open_by_labels(conn, SNAPSHOT, None)) is None


def test_realized_figures_are_those_of_customers_left_alone(database, first_training):
    (measured,) = reading(database, lambda conn: realized.measure_changed(conn, {SNAPSHOT: "7"}))
    _, rows, _, figures = measured.slices[0]
    scored = database.rows("select customer_id from ops.churn_scoring where snapshot_date = %(day)s", {"day": SNAPSHOT})
    assert rows == len({customer for (customer,) in scored} & left_alone(database, SNAPSHOT))
    assert figures
