"""Reading training rows compared with the straightforward way: `python -m bench.training_load --customers 1000000`.

With `--train` the whole training on eight snapshots follows, for its time and peak memory.
"""

import argparse
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy

from bench.stack import engine, fastest, line, report, shown, stack, timed
from ml.model_config import NUMERIC_FEATURES
from ml.training.dataset import load
from ml.utils_io import connect

SNAPSHOT = date(2019, 5, 26)
WEEKS = 8
EVERY_BUCKET = (0, 1000)
SELECT = (
    "select * from features.churn_weekly_features where snapshot_date = :day"
    " and days_since_activity < 60 and label_source in ('observed', 'evaluate') and labeled_churn is not null"
)
Summary = dict[str, Any]


def by_rows(snapshot_date: date) -> Callable[[], Summary]:
    """All labelled rows of the active cohort through SQLAlchemy into pandas."""
    with engine().connect() as conn:
        rows = pd.read_sql(sqlalchemy.text(SELECT), conn, params={"day": snapshot_date})
    rows = rows.astype(dict.fromkeys(NUMERIC_FEATURES, float))
    return lambda: _summary(rows)


def as_arrow(snapshot_date: date) -> Callable[[], Summary]:
    """The same rows as ml.train reads them."""
    with connect(application_name="bench") as conn:
        rows = load(conn, [snapshot_date], EVERY_BUCKET)
    return lambda: _summary(rows)


def _summary(rows: pd.DataFrame) -> Summary:
    sums = {name: f"{np.nansum(rows[name]):.6g}" for name in NUMERIC_FEATURES}
    return {"rows": len(rows), "credit_cards": int((rows["tarjetas"] == "Credit Card").sum()), **sums}


def main() -> None:
    """Compare both ways, which must give the same rows; then train if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--train", action="store_true", help=f"train on {WEEKS} snapshots as well")
    arguments = parser.parse_args()
    weeks = WEEKS if arguments.train else 1
    with stack(arguments.customers, [SNAPSHOT - timedelta(weeks=back) for back in range(weeks)]) as env:
        sides = ("bench.training_load:by_rows", "bench.training_load:as_arrow")
        by_turns = [[shown(env, side, str(SNAPSHOT)) for side in sides] for _ in range(arguments.rounds)]
        baseline, ours = (fastest(list(rounds)) for rounds in zip(*by_turns, strict=True))
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
