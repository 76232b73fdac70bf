"""Feature rows without payments behind them, an empty registry, and what the tests ask of MLflow."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date

import psycopg
import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from bench import synthetic
from ml.settings import settings
from tests.integration.conftest import Database


def fill(database: Database, *snapshots: str, customers: int = 1500) -> None:
    """Insert synthetic rows at each date, on record as fresh builds."""
    with database.connect() as conn:
        for snapshot in snapshots:
            synthetic.fill(conn, date.fromisoformat(snapshot), customers)


def record(conn: psycopg.Connection, snapshot: str) -> None:
    """Record the rows that are there as a fresh build."""
    synthetic.record(conn, date.fromisoformat(snapshot))


def forget_models(uri: str) -> MlflowClient:
    """A client of a registry without churn-logreg."""
    client = MlflowClient(uri)
    with suppress(MlflowException):
        client.delete_registered_model("churn-logreg")
    return client


def production(client: MlflowClient) -> tuple[str | None, list[str]]:
    """Version under the alias, and the versions in stage Production."""
    model = client.search_registered_models("name = 'churn-logreg'")
    versions = client.search_model_versions("name = 'churn-logreg'")
    alias = model[0].aliases.get("production") if model else None
    in_stage = sorted(str(v.version) for v in versions if v.current_stage == "Production")
    return (None if alias is None else str(alias)), in_stage


def scores(database: Database) -> list[tuple]:
    """All of ops.churn_scoring but the time of the run."""
    return database.rows(
        "select customer_id, snapshot_date, score, prediction, model_version from ops.churn_scoring order by 2, 1"
    )


def call(database: Database, command: Callable[..., dict], *arguments: object, **env: str) -> dict:
    """What `command` returns, run in this process with the environment that its own process would have."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**database.env, **env}.items():
            patch.setenv(name, value)
        settings.cache_clear()
        try:
            return command(*arguments)
        finally:
            settings.cache_clear()
