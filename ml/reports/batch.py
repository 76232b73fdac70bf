"""What the page that scores an uploaded file reads: the snapshots that customer ids can be looked up at."""

from datetime import date
from typing import NamedTuple

import psycopg

SNAPSHOTS = """
select build.snapshot_date, run.model_version
from ops.current_feature_builds as build
left join ops.scoring_runs as run on run.snapshot_date = build.snapshot_date and run.replaced_at is null
order by build.snapshot_date desc
"""


class Snapshot(NamedTuple):
    """A snapshot with features, and the version that the weekly batch scored it with, if it did."""

    snapshot_date: date
    model_version: str | None


def snapshots(conn: psycopg.Connection) -> list[Snapshot]:
    """The newest first."""
    return [Snapshot(*row) for row in conn.execute(SNAPSHOTS)]
