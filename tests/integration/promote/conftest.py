"""Three versions to promote, and what a test does with them."""

from datetime import date

import mlflow
import pytest

import ml.promote
from ml.train import train
from tests.integration.churn_rows import call, fill, forget_models
from tests.integration.promotions import WHY

SNAPSHOTS = ("2019-05-12", "2019-05-19", "2019-05-26")


@pytest.fixture(scope="module")
def shared(new_database, empty_template, mlflow_uri):
    """Three versions: 1 from older snapshots, 2 and 3 up to the same newest one.

    They flag from the same score on: the highest F1 of synthetic rows jumps, and the share flagged with it.
    """
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, *SNAPSHOTS)
    for day, weeks in (("2019-05-19", 2), ("2019-05-26", 2), ("2019-05-26", 3)):
        call(database, train, date.fromisoformat(day), weeks)
    for version in "123":
        mlflow.MlflowClient(mlflow_uri).set_model_version_tag("churn-logreg", version, "threshold", "0.5")
    return database


@pytest.fixture
def client(shared):
    """The registry with nothing in production, and no decision on record."""
    client = mlflow.MlflowClient(shared.extra_env["MLFLOW_TRACKING_URI"])
    client.delete_registered_model_alias("churn-logreg", "production")
    for version in client.search_model_versions("name = 'churn-logreg'"):
        client.transition_model_version_stage("churn-logreg", version.version, "None")
        if int(version.version) > 3:
            client.delete_model_version("churn-logreg", version.version)
    with shared.connect() as conn:
        conn.execute("truncate ops.model_promotions restart identity; truncate ops.churn_scoring")
    return client


@pytest.fixture
def promote(shared, client):
    """Decide about a version (none: the newest) and return what the command would print."""

    return lambda version=None: call(shared, ml.promote.promote, version)


@pytest.fixture
def force(shared, client):
    """Promote by hand and return what the command would print."""
    return lambda version: call(shared, ml.promote.promote_by_hand, version, WHY)


@pytest.fixture
def rollback(shared, client):
    """Go back a version and return what the command would print."""
    return lambda: call(shared, ml.promote.rollback, WHY)
