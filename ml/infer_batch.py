"""Score the active cohort of one snapshot with the version in production and replace the snapshot's scores."""

import argparse
from datetime import date
from typing import Any

from ml import cli
from ml.snapshots.coverage import require_covered
from ml.utils_io import connect, sql


def score(snapshot_date: date, *, allow_missing: bool = False) -> dict[str, Any]:
    """Replace the scores of `snapshot_date` in one transaction and return the counts.

    The scores that were there go into the history; a run that gives the same scores as the last changes nothing.
    `allow_missing`: score even if features are missing, and record that.

    Raises:
        CommandError: no version in production, no features, or features missing; no active customer; outside the
            covered range.
        Skip: outside the covered range in a scheduled run.
        TryLater: PostgreSQL or MLflow cannot be reached, or the features of a scheduled run are not built yet.
    """
    from ml.scoring import snapshot  # here, since importing MLflow takes seconds, for which --ready has no use

    return snapshot.score(snapshot_date, allow_missing)


def ready(snapshot_date: date) -> dict[str, Any]:
    """Return when the features are built; if they are not, raise what `score` would.

    So a scheduled run does not wait for features if there is no version in production to score them with.
    """
    with connect(application_name=f"ml.infer_batch {snapshot_date}") as conn:
        require_covered(conn, snapshot_date)
        is_built = conn.execute(sql("current_build"), {"snapshot_date": snapshot_date}).fetchone() is not None
    if not is_built:
        from ml.scoring import snapshot

        snapshot.version_for(snapshot_date)
    return {"features": "built"}


def main() -> None:
    """Command line: `python -m ml.infer_batch --snapshot-date 2019-05-26 [--ready | --allow-missing]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="YYYY-MM-DD")
    parser.add_argument("--ready", action="store_true", help="only say whether the features are built")
    parser.add_argument("--allow-missing", action="store_true", help="score even if features are missing")
    arguments = parser.parse_args()
    if arguments.ready:
        cli.run(lambda: ready(arguments.snapshot_date))
    else:
        cli.run(lambda: score(arguments.snapshot_date, allow_missing=arguments.allow_missing))


if __name__ == "__main__":
    main()
