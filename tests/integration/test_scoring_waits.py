"""Scoring waits for the features of its date: a scheduled run does, without a worker slot; a person's run fails."""

import json

import pytest

from tests.integration.churn_rows import forget_models, scores

# What a scheduler does with the scheduled runs of some dates: it starts the tasks that may run, here in this process.
# What has been waiting has done so for `waited` seconds more by then, and is due.
ROUND = """
import json, sys
from datetime import UTC, datetime, timedelta
from airflow.dag_processing.dagbag import DagBag
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskreschedule import TaskReschedule
from airflow.sdk.definitions.dag import _run_task
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
dag, (waited, *days), states = DagBag().dags["churn_batch_score_w"], sys.argv[1:], {}

def run_of(day, session):
    serialized = SerializedDagModel.get_dag(dag.dag_id, session=session)
    run_id, date = f"scheduled__{day}", datetime.fromisoformat(day).replace(tzinfo=UTC)
    run = session.query(DagRun).filter_by(dag_id=dag.dag_id, run_id=run_id).one_or_none() or serialized.create_dagrun(
        run_id=run_id, logical_date=date, data_interval=(date, date), run_after=date, run_type=DagRunType.SCHEDULED,
        triggered_by=DagRunTriggeredByType.TIMETABLE, state=DagRunState.RUNNING, session=session,
    )
    run.dag = serialized
    return run

with create_session() as session:
    others = Pool.get_pool("default_pool", session=session).occupied_slots(session=session)  # of other DAGs' runs
    for look in session.query(TaskReschedule):
        look.start_date -= timedelta(seconds=float(waited))
        look.reschedule_date -= timedelta(seconds=float(waited))
    for day in days:
        while True:
            run = run_of(day, session)  # again each time: a task that runs in this process closes the session
            session.commit()
            ready = run.update_state(session=session, execute_callbacks=False)[0]
            if not ready:
                break
            for task in ready:
                task.try_number += task.state != TaskInstanceState.UP_FOR_RESCHEDULE
                task.state = TaskInstanceState.SCHEDULED
                session.commit()
                _run_task(ti=task, task=dag.get_task(task.task_id))
        run.update_state(session=session, execute_callbacks=False)
        tasks = {task.task_id: task.state for task in run.get_task_instances(session=session)}
        slots = Pool.get_pool("default_pool", session=session).occupied_slots(session=session) - others
        states[day] = [run.state, tasks["wait_for_features"], tasks["score"], slots]
    print(json.dumps(states))
"""
# Other tests have run the same dates of the DAG by hand.
FORGET_RUNS = """
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
with create_session() as session:
    for run in session.query(DagRun).filter_by(dag_id="churn_batch_score_w"):
        session.delete(run)
"""
WAITING = ["running", "up_for_reschedule", None, 0]
SCORED = ["success", "success", "success", 0]
SKIPPED = ["success", "skipped", "skipped", 0]
FAILED = ["failed", "failed", "upstream_failed", 0]


@pytest.fixture
def scheduled(airflow, seeded, mlflow_uri):
    """A round of the scheduler over the runs of some dates; states of each run and its two tasks, and slots taken."""
    seeded.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    forget_models(mlflow_uri)
    assert airflow.run("dags", "reserialize").returncode == 0
    assert airflow.python("-c", FORGET_RUNS).returncode == 0

    def one_round(*days, waited=0):
        done = airflow.python("-c", ROUND, str(waited), *days, **seeded.env)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr

    return one_round


def test_scheduled_run_waits_for_its_features_and_a_manual_one_fails(scheduled, airflow, seeded):
    states, said = scheduled("2019-06-16", "2019-12-01")
    assert states == {"2019-06-16": FAILED, "2019-12-01": SKIPPED}
    assert "train one: airflow dags test churn_train_register_m 2019-06-16" in said
    assert "2019-12-01 is outside the covered range" in said

    trained = seeded.run("ml.train", "--snapshot-date", "2019-05-19", "--lookback-weeks", "1")
    assert trained.returncode == 0, trained.stderr[-3000:]
    assert seeded.run("ml.promote").returncode == 0
    assert scheduled("2019-05-26", "2019-06-09")[0] == {"2019-05-26": WAITING, "2019-06-09": WAITING}

    manual = airflow.test("churn_batch_score_w", "2019-06-02", seeded)
    assert manual.returncode == 1
    assert "no features for 2019-06-02; build them: airflow dags test churn_feature_build_w 2019-06-02" in manual.stdout

    assert seeded.run("ml.features", "--snapshot-date", "2019-05-26").returncode == 0
    assert "2019-05-26" not in {str(row[1]) for row in scores(seeded)}
    states, said = scheduled("2019-05-26", "2019-06-09", waited=3700)
    assert states == {"2019-05-26": SCORED, "2019-06-09": FAILED}
    assert len([row for row in scores(seeded) if str(row[1]) == "2019-05-26"]) > 1000
    assert "after 60 minutes: error: no features for 2019-06-09 yet" in said
