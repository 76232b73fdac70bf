"""Batch scoring compared with the straightforward way: `python -m bench.scoring --customers 1000000`."""

import argparse
from datetime import date
from typing import Any

from bench.stack import owner, report, stack, timed

SNAPSHOT = date(2019, 5, 26)


def scores(env: dict[str, str]) -> tuple[Any, ...]:
    """Number of scores, their sum to six digits, and the sum of the customers."""
    with owner(env) as conn:
        query = "select count(*), round(sum(score)::numeric, 6), sum(customer_id) from ops.churn_scoring"
        return tuple(conn.execute(query).fetchall())


def main() -> None:
    """Train on one snapshot, then score it in both ways, which must give the same scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    customers = parser.parse_args().customers
    with stack(customers, [SNAPSHOT]) as env:
        timed(env, "ml.train:train", str(SNAPSHOT), "1")
        timed(env, "ml.promote:promote")
        baseline = timed(env, "bench.baseline_scoring:score", str(SNAPSHOT))
        expected = scores(env)
        ours = timed(env, "ml.infer_batch:score", str(SNAPSHOT))
        if scores(env) != expected:
            raise RuntimeError(f"the two sides differ: {expected} and {scores(env)}")
        print(f"{ours['result']['scored']} customers scored")
        report("score one snapshot", ours, baseline)


if __name__ == "__main__":
    main()
