"""End the runs of `airflow dags test` whose command was killed: while one counts as running, its DAG starts no other.

The scheduler ignores such runs (airflow/include/airflow_local_settings.py), so nothing else ends them.
"""

from datetime import UTC, datetime, timedelta

from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import update

OLDER_THAN = timedelta(hours=7)  # longer than any test: a task may take two hours, and no DAG has more than three


def end_abandoned_tests() -> int:
    """Mark them as failed; return their number."""
    now = datetime.now(UTC)
    with create_session() as session:
        ended = session.execute(
            update(DagRun)
            .where(DagRun.state == DagRunState.RUNNING, DagRun.triggered_by == DagRunTriggeredByType.TEST)
            .where(DagRun.created_at < now - OLDER_THAN)
            .values(state=DagRunState.FAILED, end_date=now)
        )
        return int(ended.rowcount)


if __name__ == "__main__":
    print(f"{end_abandoned_tests()} abandoned test runs ended")
