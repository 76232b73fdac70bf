"""Update the labels of earlier snapshots that are known from the data loaded since."""

from datetime import date

import psycopg
from psycopg.types.json import Jsonb

from ml.settings import settings
from ml.snapshots.catalogue import CHURN_DAYS
from ml.snapshots.coverage import CurrentData
from ml.utils_io import sql

OPEN_SNAPSHOTS = """
    select snapshot_date
    from ops.current_feature_builds
    where labels_rule <> %(labels_rule)s
        or (
            (label_sources, labels_known_through) <> (%(label_sources)s, %(labels_known_through)s)
            and snapshot_date + %(churn_days)s > labels_known_through + 1
        )
    order by snapshot_date
"""
RECORD_LABELS = """
    update ops.current_feature_builds
    set
        label_sources = %(label_sources)s,
        labels_known_through = %(labels_known_through)s,
        labels_rule = %(labels_rule)s
    where snapshot_date = %(snapshot_date)s
"""


def basis(conn: psycopg.Connection, data: CurrentData) -> dict[str, object]:
    """What the labels written now are based on, as columns of ops.feature_builds."""
    ((rule,),) = conn.execute("select md5(pg_get_functiondef('features.churn_label'::regproc))").fetchall()
    return {
        "label_sources": Jsonb(data.label_sources),
        "labels_known_through": data.payments_known_through,
        "labels_rule": f"{settings().evaluate_churn_means} from {data.evaluate_cutoff}, {CHURN_DAYS} days, {rule}",
    }


def mature(conn: psycopg.Connection, data: CurrentData) -> dict[date, int]:
    """Bring the labels of every snapshot that can still change up to date; return how many rows changed in each.

    A snapshot is updated if its CHURN_DAYS were not over at the last update and other data were loaded since, or if the
    rule changed. Labels that payments decided do not change until the snapshot is rebuilt.
    """
    parameters = {
        "churn_days": CHURN_DAYS,
        "payments_known_through": data.payments_known_through,
        "evaluate_cutoff": data.evaluate_cutoff,
        "flag_means": settings().evaluate_churn_means,
        **basis(conn, data),
    }
    changed = {}
    for (snapshot_date,) in conn.execute(OPEN_SNAPSHOTS, parameters).fetchall():
        of_snapshot = {**parameters, "snapshot_date": snapshot_date}
        changed[snapshot_date] = conn.execute(sql("labels_churn"), of_snapshot, prepare=False).rowcount
        conn.execute(RECORD_LABELS, of_snapshot)
    return changed
