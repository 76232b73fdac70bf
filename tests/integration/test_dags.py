"""The DAG files as the installed Airflow reads them."""

import json

import pytest

DAG_IDS = [
    "churn_batch_score_w", "churn_feature_build_w", "churn_monitor_w", "churn_train_register_m", "etl_crypto_events_d",
]  # fmt: skip
DESCRIBE = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
print(json.dumps({
    "import_errors": {str(path): str(error) for path, error in bag.import_errors.items()},
    "dags": {
        dag.dag_id: {
            "tags": sorted(dag.tags), "catchup": dag.catchup, "max_active_runs": dag.max_active_runs,
            "paused": dag.is_paused_upon_creation, "documentation": dag.doc_md or "",
            "timetable": type(dag.timetable).__name__, "params": {name: dag.params[name] for name in dag.params},
            "retries": [task.retries for task in dag.tasks],
            "timeouts": [task.execution_timeout is not None for task in dag.tasks],
        }
        for dag in bag.dags.values()
    },
}))
"""


@pytest.fixture(scope="module")
def bag(airflow):
    """What Airflow finds in airflow/dags."""
    done = airflow.python("-c", DESCRIBE)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_no_import_errors(bag):
    assert bag["import_errors"] == {}


def test_the_five_dags_are_there(bag):
    assert set(DAG_IDS) <= set(bag["dags"])


def test_every_dag_has_tags_and_documentation(bag):
    for dag_id, dag in bag["dags"].items():
        assert dag["tags"], dag_id
        assert len(dag["documentation"]) > 80, dag_id


def test_every_task_is_retried_and_ends(bag):
    for dag_id, dag in bag["dags"].items():
        assert min(dag["retries"]) >= 2, dag_id
        assert all(dag["timeouts"]), dag_id


def test_runs_do_not_overlap_and_history_is_not_made_up(bag):
    for dag_id, dag in bag["dags"].items():
        assert dag["max_active_runs"] == (2 if dag_id.endswith("_w") else 1), dag_id
        assert dag["catchup"] is False, dag_id
        assert dag["paused"] is False, dag_id
        assert dag["timetable"] == "CronTriggerTimetable", dag_id


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_date_can_be_given_in_the_trigger_form(bag, dag_id):
    assert bag["dags"][dag_id]["params"]["snapshot_date"] is None


def test_other_parameters(bag):
    assert bag["dags"]["churn_train_register_m"]["params"]["lookback_weeks"] == 8
    assert bag["dags"]["etl_crypto_events_d"]["params"]["full_refresh"] is False
