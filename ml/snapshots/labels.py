"""Fill in the labels of earlier snapshots that the data loaded since have settled."""

from datetime import date

import psycopg

from ml.settings import settings
from ml.snapshots.coverage import CurrentData
from ml.utils_io import sql


def basis(conn: psycopg.Connection, data: CurrentData) -> dict[str, object]:
    """What the labels written now follow from, as columns of ops.feature_builds: data, cutoff, and the rule."""
    row = conn.execute("select md5(pg_get_functiondef('features.churn_label'::regproc))").fetchone()
    assert row is not None
    return {
        "labels_fingerprint": data.raw_fingerprint,
        "labels_cutoff": data.evaluate_cutoff,
        "labels_rule": f"{settings().evaluate_churn_means} {row[0]}",
    }


def mature(conn: psycopg.Connection, data: CurrentData) -> dict[date, int]:
    """Bring the labels of every snapshot that can still change up to date; return how many rows changed in each.

    A snapshot is looked at when its 60 days were not over at the last look and other data are loaded since, or when
    the rule changed. A snapshot that is closed stays as it is until it is built anew.
    """
    now = basis(conn, data)
    open_dates = [found for (found,) in conn.execute(sql("open_snapshots"), now)]
    changed = {}
    for snapshot_date in open_dates:
        parameters = {
            "t": snapshot_date,
            "c": data.evaluate_cutoff,
            "flag_means": settings().evaluate_churn_means,
        }
        changed[snapshot_date] = conn.execute(sql("labels_churn"), parameters, prepare=False).rowcount
        conn.execute(sql("record_labels"), {"snapshot_date": snapshot_date, **now})
    return changed
