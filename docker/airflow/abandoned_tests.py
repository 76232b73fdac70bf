"""End the runs of `airflow dags test` whose command was killed: while one counts as running, its DAG starts no other.

The scheduler leaves such runs alone (airflow/include/airflow_local_settings.py), so that nobody else ends them.
"""

from datetime import UTC, datetime, timedelta

from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import update

OLDER_THAN = timedelta(hours=7)  # no test takes that long: a task ends after two hours, and no DAG has more than three


def end_abandoned_tests() -> int:
    """Fail them; returns how many there were."""
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
