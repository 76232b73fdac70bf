"""Batch scoring compared with the straightforward way: `python -m bench.scoring --customers 1000000`.

The straightforward way reads rows through SQLAlchemy into pandas, predicts, and writes them back by executemany.
"""

import argparse
from datetime import UTC, date, datetime
from typing import Any

import mlflow
import mlflow.sklearn
import pandas as pd
import sqlalchemy

from bench.stack import engine, owner, report, stack, timed
from ml.settings import settings

SNAPSHOT = date(2019, 5, 26)
SELECT = "select * from features.churn_weekly_features where snapshot_date = :day and days_since_activity < 60"
DELETE = "delete from ops.churn_scoring where snapshot_date = :day"
INSERT = (
    "insert into ops.churn_scoring (customer_id, snapshot_date, score, prediction, model_version, scored_at)"
    " values (%s, %s, %s, %s, %s, %s)"
)
SUMMARY = "select count(*), round(sum(score)::numeric, 6), sum(customer_id) from ops.churn_scoring"


def straightforward(snapshot_date: date) -> None:
    """Replace the scores of the snapshot."""
    mlflow.set_tracking_uri(settings().mlflow_tracking_uri)
    version = mlflow.MlflowClient().get_model_version_by_alias("churn-logreg", "production")
    threshold = float(version.tags["threshold"])
    model = mlflow.sklearn.load_model("models:/churn-logreg@production")
    with engine().begin() as conn:
        frame = pd.read_sql(sqlalchemy.text(SELECT), conn, params={"day": snapshot_date})
        probabilities = model.predict_proba(frame)[:, 1]
        now = datetime.now(UTC)
        rows = [
            (customer_id, snapshot_date, float(p), int(p >= threshold), version.version, now)
            for customer_id, p in zip(frame["customer_id"].tolist(), probabilities, strict=True)
        ]
        conn.execute(sqlalchemy.text(DELETE), {"day": snapshot_date})
        conn.exec_driver_sql(INSERT, rows)


def summary(env: dict[str, str]) -> tuple[Any, ...]:
    """Number of scores, their sum to six digits, and the sum of the customers."""
    with owner(env) as conn:
        return tuple(conn.execute(SUMMARY).fetchall())


def main() -> None:
    """Train on one snapshot, then score it in both ways, which must give the same scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    with stack(customers, [SNAPSHOT]) as env:
        timed(env, "ml.train:train", str(SNAPSHOT), "1")
        timed(env, "ml.promote:promote")
        baseline = timed(env, "bench.scoring:straightforward", str(SNAPSHOT))
        expected = summary(env)
        ours = timed(env, "ml.infer_batch:score", str(SNAPSHOT))
        if summary(env) != expected:
            raise RuntimeError(f"the two sides differ: {expected} and {summary(env)}")
        print(f"{ours['result']['scored']} customers scored")
        report("score one snapshot", ours, baseline)


if __name__ == "__main__":
    main()
