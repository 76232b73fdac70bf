"""What the tests of features and labels share: build a snapshot by its command, read it back, change raw tables."""

import json
from datetime import date
from typing import Any

LABEL_COLUMNS = ("labeled_churn", "label_source", "label_horizon_days")
BESIDE_FEATURES = ("customer_id", "snapshot_date", *LABEL_COLUMNS)


def build(database, snapshot_date: date | str, **env: str) -> dict[str, Any]:
    """Run the command and return its JSON; its error message fails the test."""
    done = database.run("ml.features", "--snapshot-date", str(snapshot_date), **env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def error(database, snapshot_date: date | str, **env: str) -> str:
    """Run the command, which must end with exit code 1, and return its one line of explanation."""
    done = database.run("ml.features", "--snapshot-date", str(snapshot_date), **env)
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert done.stderr.startswith("error: "), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def rows(database, snapshot_date: date | str) -> dict[int, dict[str, Any]]:
    """Every column of the snapshot's rows, by customer."""
    with database.connect() as conn:
        cursor = conn.execute("select * from features.churn_weekly_features where snapshot_date = %s", (snapshot_date,))
        names = [column.name for column in cursor.description]
        return {row["customer_id"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor)}


def features(database, snapshot_date: date | str) -> dict[int, dict[str, Any]]:
    """The features alone, by customer."""
    return {
        customer: {name: value for name, value in row.items() if name not in BESIDE_FEATURES}
        for customer, row in rows(database, snapshot_date).items()
    }


def labels(database, snapshot_date: date | str) -> dict[int, tuple]:
    """(labeled_churn, label_source, label_horizon_days) by customer."""
    return {
        customer: tuple(row[name] for name in LABEL_COLUMNS) for customer, row in rows(database, snapshot_date).items()
    }


def run_sql(database, *statements: str) -> None:
    """Run statements as the administrator, who alone may write raw."""
    with database.connect() as conn:
        for statement in statements:
            conn.execute(statement)
