"""`python -m ml.train --reproduce VERSION`: identical, or what differs."""

from datetime import date

import pytest

from ml.cli import CommandError
from ml.train import reproduce, train
from tests.integration.churn_rows import call, fill, forget_models

SNAPSHOT = "2019-05-26"


@pytest.fixture(scope="module")
def trained(new_database, empty_template, mlflow_uri):
    """A database with synthetic rows, and the version trained on them."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, SNAPSHOT, "2019-05-19")
    call(database, train, date.fromisoformat(SNAPSHOT), 2)
    return database


def test_the_same_data_and_code_are_identical(trained):
    result = call(trained, reproduce, "1")
    assert (result["identical"], result["differences"]) == (True, [])


def test_changed_rows_are_named_with_the_coefficients_that_differ(trained):
    with trained.connect() as conn:
        conn.execute(
            "update features.churn_weekly_features set payments_90d = payments_90d + 1 where customer_id % 2 = 0"
        )
    result = call(trained, reproduce, "1")
    assert not result["identical"]
    assert result["differences"][0].startswith("the rows: digest ")
    assert any(difference.startswith("coefficient of payments_90d: -") for difference in result["differences"])


def test_another_setting_is_another_code(trained):
    result = call(trained, reproduce, "1", MODEL_DEMOGRAPHICS="yes")
    assert any(difference.startswith("the code or a library: ") for difference in result["differences"])


def test_a_version_that_is_not_registered(trained):
    with pytest.raises(CommandError, match="has no version '9'"):
        call(trained, reproduce, "9")
