"""`ops.monitoring`: the findings about a snapshot as rows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

import psycopg

from ml.monitoring.finding import Finding
from ml.settings import settings

CURABLE = ("drift", "calibration", "roc_auc")  # what training on newer snapshots can cure

DELETE = "delete from ops.monitoring where snapshot_date = %s"
INSERT = """
insert into ops.monitoring (
    snapshot_date, check_name, subject, value, warn_above, alert_above, state, detail, what_to_do, model_version, run_id
)
values (
    %(snapshot_date)s, %(check)s, %(subject)s, %(value)s, %(warn_above)s, %(alert_above)s, %(state)s, %(detail)s,
    %(what_to_do)s, %(model_version)s, %(run_id)s
)
"""
# Of the same version: one that has come into production since shall show what it does first.
LASTING = """
select now.check_name || ' of ' || now.subject
from ops.monitoring as now
join ops.monitoring as before using (check_name, subject, model_version, state)
where (now.snapshot_date, before.snapshot_date, state) = (%s, %s, 'alert') and check_name = any(%s)
order by 1
"""


def replace(
    conn: psycopg.Connection, snapshot_date: date, model_version: str | None, findings: Sequence[Finding]
) -> None:
    """Replace the rows of the snapshot in the caller's transaction."""
    conn.execute(DELETE, (snapshot_date,))
    common = {
        "snapshot_date": snapshot_date,
        "model_version": model_version,
        "run_id": settings().pipeline_run_id,
    }
    conn.cursor().executemany(INSERT, [{**asdict(each), "state": each.state, **common} for each in findings])


def lasting_alerts(conn: psycopg.Connection, snapshot_date: date) -> list[str]:
    """Alerts that training can cure and that were there a week before too, about the same version."""
    week_before = snapshot_date - timedelta(weeks=1)
    return [name for (name,) in conn.execute(LASTING, (snapshot_date, week_before, list(CURABLE)))]
