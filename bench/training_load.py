"""Reading training rows beside the straightforward way: `python -m bench.training_load --customers 1000000`.

With `--train` the whole training on eight snapshots follows, for its time and peak memory.
"""

import argparse
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy

from bench.baseline_scoring import engine
from bench.stack import line, report, stack, timed
from ml.model_config import CATEGORICAL_FEATURES, NUMERIC_FEATURES
from ml.training.dataset import load
from ml.utils_io import connect

SNAPSHOT = date(2019, 5, 26)
WEEKS = 8
EVERY_BUCKET = (0, 1000)
COLUMNS = [
    "customer_id",
    "labeled_churn",
    "label_source",
    "label_horizon_days",
    *NUMERIC_FEATURES,
    *CATEGORICAL_FEATURES,
]
SELECT = (
    f"select {', '.join(COLUMNS)} from features.churn_weekly_features where snapshot_date = :day"
    " and days_since_activity < 60 and label_source in ('observed', 'evaluate') and labeled_churn is not null"
)


def load_by_rows(snapshot_date: date) -> dict[str, Any]:
    """All labelled rows of the active cohort through SQLAlchemy into pandas."""
    with engine().connect() as conn:
        result = conn.execute(sqlalchemy.text(SELECT), {"day": snapshot_date})
        frame = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
    numeric = frame[list(NUMERIC_FEATURES)].astype(float)
    return _sums(len(frame), {name: numeric[name].sum() for name in NUMERIC_FEATURES}, frame["gender"].eq("male").sum())


def load_by_arrow(snapshot_date: date) -> dict[str, Any]:
    """The same rows as ml.train reads them."""
    with connect(application_name="bench") as conn:
        rows = load(conn, [snapshot_date], EVERY_BUCKET)
    males = rows.codes["gender"] == rows.categories["gender"].positions["male"]
    return _sums(len(rows), {name: np.nansum(column) for name, column in rows.numeric.items()}, males.sum())


def _sums(count: int, numeric: dict[str, float], males: int) -> dict[str, Any]:
    return {"rows": count, "males": int(males), **{name: f"{total:.6g}" for name, total in numeric.items()}}


def main() -> None:
    """Compare both loads, which must give the same rows; then train where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--train", action="store_true", help=f"train on {WEEKS} snapshots as well")
    arguments = parser.parse_args()
    weeks = WEEKS if arguments.train else 1
    with stack(arguments.customers, [SNAPSHOT - timedelta(weeks=back) for back in range(weeks)]) as env:
        baseline = timed(env, "bench.training_load:load_by_rows", str(SNAPSHOT))
        ours = timed(env, "bench.training_load:load_by_arrow", str(SNAPSHOT))
        if ours["result"] != baseline["result"]:
            raise RuntimeError(f"the two sides differ: {baseline['result']} and {ours['result']}")
        print(f"{ours['result']['rows']} rows read")
        report("load one snapshot", ours, baseline)
        if arguments.train:
            trained = timed(env, "ml.train:train", str(SNAPSHOT), str(WEEKS))
            print(f"{'train, 8 snapshots':37} {line(trained)}")
            print(trained["result"])


if __name__ == "__main__":
    main()
