"""`airflow dags test` beside a running scheduler, which must not take the tasks of its run."""

import json

import pytest

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
ADMIN = {"AIRFLOW_ADMIN_USER": "admin", "AIRFLOW_ADMIN_PASSWORD": "admin"}
# Stops where `dags test` is most in danger: its run exists, its first task is scheduled and not yet started.
BEGIN = """
import json, sys
from datetime import UTC, datetime
from airflow.models.dagrun import get_or_create_dagrun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
now = datetime.now(UTC)
with create_session() as session:
    run = get_or_create_dagrun(
        dag=SerializedDagModel.get_dag("churn_feature_build_w"), run_id=sys.argv[1],
        logical_date=datetime.fromisoformat(sys.argv[2]), data_interval=None, run_after=now,
        conf=None, start_date=now, session=session,
        triggered_by=DagRunTriggeredByType(sys.argv[1]), triggering_user_name="test",
    )
    for task in run.get_task_instances(session=session):
        task.state = TaskInstanceState.SCHEDULED
"""
STATES = """
import json
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
with create_session() as session:
    found = session.query(TaskInstance.run_id, TaskInstance.pool, TaskInstance.state).all()
    print(json.dumps({run_id: [pool, state] for run_id, pool, state in found}))
"""
AGE = """
from datetime import timedelta
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
with create_session() as session:
    for run in session.query(DagRun):
        run.created_at -= timedelta(hours=8)
"""


def run_states(airflow):
    done = airflow.python("-c", STATES)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def after_scheduling(airflow):
    """Pool and state of one task by who triggered its run, after a scheduler has made its rounds."""
    init = airflow.python("docker/airflow/init.py", AIRFLOW__CORE__AUTH_MANAGER=FAB, **ADMIN)
    assert init.returncode == 0, init.stderr[-2000:]
    assert airflow.run("dags", "reserialize").returncode == 0
    for triggered_by, day in (("test", "2019-05-19T00:00Z"), ("cli", "2019-05-26T00:00Z")):
        begun = airflow.python("-c", BEGIN, triggered_by, day)
        assert begun.returncode == 0, begun.stderr[-2000:]
    scheduled = airflow.run("scheduler", "--num-runs", "5", "--skip-serve-logs")
    assert scheduled.returncode == 0, scheduled.stderr[-2000:]
    return run_states(airflow)


def test_scheduler_leaves_a_tests_task_alone(after_scheduling):
    assert after_scheduling["test"] == ["dags_test", "scheduled"]


def test_scheduler_takes_every_other_task(after_scheduling):
    pool, state = after_scheduling["cli"]
    assert pool == "default_pool"
    assert state != "scheduled"


def test_a_test_that_was_killed_does_not_count_as_running_for_ever(airflow, after_scheduling):
    script = ("docker/airflow/abandoned_tests.py",)
    assert "0 abandoned" in airflow.python(*script).stdout
    assert airflow.python("-c", AGE).returncode == 0
    assert "1 abandoned" in airflow.python(*script).stdout
    assert "0 abandoned" in airflow.python(*script).stdout
