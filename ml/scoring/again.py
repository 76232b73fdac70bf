"""Scores the newest snapshot again when another version has come into production."""

import sys
from typing import Any

import psycopg

from ml import cli
from ml.scoring import snapshot

# The newest snapshot that has scores, else the newest with features; and the version of its scores, if any.
NEWEST_SNAPSHOT = """
select build.snapshot_date, scored.model_version
from ops.current_feature_builds as build
left join lateral (
    select model_version from ops.churn_scoring where snapshot_date = build.snapshot_date limit 1
) as scored on true
order by scored.model_version is null, build.snapshot_date desc
limit 1
"""


def score_newest(conn: psycopg.Connection, version: str | None, *, has_changed: bool) -> dict[str, Any] | str | None:
    """Score the newest snapshot by the version now in production, unless it has that version's scores.

    Returns the counts, None if there was nothing to do, or why it failed: the promotion stands all the same.
    """
    newest = conn.execute(NEWEST_SNAPSHOT).fetchone()
    if version is None or newest is None:
        return None
    snapshot_date, scored_by = newest
    if scored_by == version or (scored_by is None and not has_changed):
        return None
    try:
        return snapshot.score(snapshot_date, allow_missing=False)
    except (cli.CommandError, cli.TryLater, cli.Skip, psycopg.Error) as error:
        said = (
            f"snapshot {snapshot_date} is not scored by version {version}: {' '.join(str(error).split())};"
            f' score it: make airflow ARGS="dags test churn_batch_score_w {snapshot_date}"'
        )
        print(f"warning: {said}", file=sys.stderr)
        return said
