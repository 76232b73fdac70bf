"""Batch scoring as one would write it: rows through SQLAlchemy into pandas, predict, executemany back."""

from datetime import UTC, date, datetime

import mlflow
import mlflow.sklearn
import pandas as pd
import sqlalchemy

from ml.settings import settings

SELECT = "select * from features.churn_weekly_features where snapshot_date = :day and days_since_activity < 60"
DELETE = "delete from ops.churn_scoring where snapshot_date = :day"
INSERT = (
    "insert into ops.churn_scoring (customer_id, snapshot_date, score, prediction, model_version, scored_at)"
    " values (%s, %s, %s, %s, %s, %s)"
)


def engine() -> sqlalchemy.Engine:
    """SQLAlchemy's default driver, psycopg2."""
    env = settings()
    return sqlalchemy.create_engine(
        sqlalchemy.URL.create(
            "postgresql+psycopg2",
            username=env.postgres_user,
            password=env.postgres_password.get_secret_value(),
            host=env.postgres_host,
            port=env.postgres_port,
            database=env.postgres_db,
        )
    )


def score(snapshot_date: date) -> dict[str, int]:
    """Replace the scores of the snapshot; return how many there are."""
    mlflow.set_tracking_uri(settings().mlflow_tracking_uri)
    version = mlflow.MlflowClient().get_model_version_by_alias("churn-logreg", "production")
    threshold = float(version.tags["threshold"])
    model = mlflow.sklearn.load_model("models:/churn-logreg@production")
    with engine().begin() as conn:
        result = conn.execute(sqlalchemy.text(SELECT), {"day": snapshot_date})
        frame = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
        probabilities = model.predict_proba(frame)[:, 1]
        now = datetime.now(UTC)
        rows = [
            (customer_id, snapshot_date, float(p), int(p >= threshold), version.version, now)
            for customer_id, p in zip(frame["customer_id"].tolist(), probabilities, strict=True)
        ]
        conn.execute(sqlalchemy.text(DELETE), {"day": snapshot_date})
        conn.connection.cursor().executemany(INSERT, rows)
    return {"scored": len(rows)}
