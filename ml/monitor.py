"""Look at what the scores of a snapshot came to, at drift, data and runs; findings go to `ops.monitoring`."""

import argparse
from datetime import date
from typing import Any

import psycopg

from ml import cli
from ml.settings import settings
from ml.snapshots.coverage import require_covered
from ml.utils_io import connect, one_at_a_time

SCORED_BY = "select model_version from ops.scoring_runs where snapshot_date = %s and replaced_at is null"


def monitor(snapshot_date: date) -> dict[str, Any]:
    """Replace the findings about `snapshot_date`, log a report to MLflow, and return the counts and the alerts.

    Raises:
        CommandError: outside the covered range.
        Skip: outside the covered range in a scheduled run.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    name = f"ml.monitor {snapshot_date}"
    with connect(application_name=name) as conn:
        conn.autocommit = True
        require_covered(conn, snapshot_date)
        from ml.monitoring import snapshot  # here, since importing MLflow takes seconds, for which --ready has no use
        from ml.store import registry

        with registry.session() as client, one_at_a_time(name):
            return snapshot.monitor(conn, client, snapshot_date, _scored_by(conn, snapshot_date))


def ready(snapshot_date: date) -> dict[str, Any]:
    """The version that scored the snapshot; a run by hand does not wait for one.

    Raises:
        CommandError, Skip: as `monitor`.
        TryLater: a scheduled run, and the snapshot is not scored yet.
    """
    with connect(application_name=f"ml.monitor {snapshot_date}") as conn:
        require_covered(conn, snapshot_date)
        version = _scored_by(conn, snapshot_date)
    if version is None and settings().is_scheduled_run:  # scoring of the same date starts at the same time
        raise cli.TryLater(f"no scores for {snapshot_date} yet; churn_batch_score_w gives them")
    return {"model_version": version}


def _scored_by(conn: psycopg.Connection, snapshot_date: date) -> str | None:
    row = conn.execute(SCORED_BY, (snapshot_date,)).fetchone()
    return None if row is None else str(row[0])


def main() -> None:
    """Command line: `python -m ml.monitor --snapshot-date 2019-06-30 [--ready]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="YYYY-MM-DD")
    parser.add_argument("--ready", action="store_true", help="only say whether the snapshot is scored")
    arguments = parser.parse_args()
    command = ready if arguments.ready else monitor
    cli.run(lambda: command(arguments.snapshot_date))


if __name__ == "__main__":
    main()
