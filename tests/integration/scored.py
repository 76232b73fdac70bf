"""A database as the pipeline leaves it: the sample with a version in Production and the scores of two Sundays."""

from collections.abc import Callable

from tests.integration.conftest import Database

SCORED = ("2019-05-19", "2019-05-26")


def scored_database(new_database: Callable[[str], Database], template: str, mlflow_uri: str) -> Database:
    """The sample with the scores of two Sundays, and a later snapshot without scores."""
    database = new_database(template)
    for command in (
        *(("ml.features", "--snapshot-date", day) for day in SCORED),
        ("ml.train", "--snapshot-date", "2019-05-26", "--lookback-weeks", "2"),
        ("ml.promote",),
        *(("ml.infer_batch", "--snapshot-date", day) for day in SCORED),
        ("ml.features", "--snapshot-date", "2019-06-30"),
    ):
        done = database.run(*command, MLFLOW_TRACKING_URI=mlflow_uri)
        assert done.returncode == 0, done.stderr
    return database
