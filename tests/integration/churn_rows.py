"""Feature rows without payments behind them, an empty registry, and what the tests ask of MLflow."""

from contextlib import suppress
from datetime import date

import psycopg
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from ml.features import feature_sql_digest
from tests.integration.conftest import ROOT, Database

INSERT = (ROOT / "bench" / "synthetic_features.sql").read_text(encoding="utf-8")
SNAPSHOTS = ("2019-05-05", "2019-05-12", "2019-05-19", "2019-05-26")


def fill(database: Database, *snapshots: str, customers: int = 1500) -> None:
    """Insert the rows of a build at each date, recorded as fresh, so that nothing builds them anew."""
    with database.connect() as conn:
        if not conn.execute("select 1 from ops.raw_loads").fetchone():
            conn.execute(
                "insert into ops.raw_loads (table_name, file_name, file_digest, status, first_payment_date,"
                " extraction_month, data_complete_through, evaluate_cutoff) values ('raw.payments', 'PAYMENTS.csv',"
                " 'x', 'loaded', '2019-01-01', '2019-05-01', '2019-06-30', '2019-07-01')"
            )
        for snapshot in snapshots:
            conn.execute("select ops.ensure_snapshot_partition('features.churn_weekly_features', %s)", (snapshot,))
            conn.execute("delete from features.churn_weekly_features where snapshot_date = %s", (snapshot,))
            conn.execute("select setseed(%s)", (date.fromisoformat(snapshot).timetuple().tm_yday / 366,))
            conn.execute(INSERT, {"snapshot_date": snapshot, "customers": customers})
            record(conn, snapshot)


def record(conn: psycopg.Connection, snapshot: str) -> None:
    """Record the rows that are there as a fresh build."""
    conn.execute("delete from ops.feature_builds where snapshot_date = %s", (snapshot,))
    conn.execute(
        "insert into ops.feature_builds (snapshot_date, raw_fingerprint, feature_sql_digest, rows_built,"
        " rows_inactive_60d, labels_fingerprint, labels_cutoff, labels_rule, run_id)"
        " select %(day)s, raw_fingerprint, %(digest)s, count(*), count(*) filter (where days_since_activity >= 60),"
        " raw_fingerprint, evaluate_cutoff, '', 'test'"
        " from features.churn_weekly_features, ops.current_data where snapshot_date = %(day)s"
        " group by raw_fingerprint, evaluate_cutoff",
        {"day": snapshot, "digest": feature_sql_digest()},
    )


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
