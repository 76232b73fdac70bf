"""Services killed in the middle of DAGs, power cuts, cut networks, full disks: nothing is lost or duplicated.

A kill is a SIGKILL of the process from outside, as the kernel's memory killer sends it: what `docker kill` ends, the
engine does not restart. "In the middle" is observed: the DAG's own transaction waits for a lock that the test holds, or
MLflow has its run as running.
"""

import contextlib
import random
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack.harness import SERVICES, AirflowApi, Stack, wait_for

Tried = Callable[[str, str], None]
LONG_RUNNING = tuple(name for name in SERVICES if name != "airflow-maintenance")
DAGS = {
    "churn_feature_build_w": ("features.churn_weekly_features", "2019-05-26"),
    "churn_batch_score_w": ("ops.churn_scoring", "2019-05-26"),
    "etl_crypto_events_d": ("ops.bt_crypto_events", "2019-05-26"),
    "churn_train_register_m": (None, "2019-05-31"),
}
KILLED = ("postgres", "mlflow", "minio", "airflow-scheduler", "airflow-webserver", "airflow-dag-processor")
# Date and weeks of trainings that each make another version.
TRAININGS = [
    ("2019-04-21", 3), ("2019-04-21", 2), ("2019-04-21", 1), ("2019-04-14", 2), ("2019-04-14", 1), ("2019-04-07", 1),
    ("2019-04-28", 1),
]  # fmt: skip
# What CI runs; `make test-faults` runs every pair.
IN_CI = {
    ("postgres", "churn_feature_build_w"), ("airflow-scheduler", "churn_batch_score_w"),
    ("airflow-webserver", "etl_crypto_events_d"), ("mlflow", "churn_train_register_m"),
    ("minio", "churn_train_register_m"), ("postgres", "churn_train_register_m"),
}  # fmt: skip
PAIRS = [
    pytest.param(service, dag, marks=() if (service, dag) in IN_CI else pytest.mark.every_fault, id=f"{service}-{dag}")
    for service in KILLED
    for dag in DAGS
]
WITHOUT_TIMES = (
    "select count(*), md5(string_agg(kept::text, ',' order by kept::text)) from (select to_jsonb(t)"
    " - array['scored_at', 'first_loaded_at', 'updated_at', 'run_id', 'built_at', 'raw_id'] as kept"
    " from {table} t) as rows"
)


def contents(stack: Stack) -> dict[str, object]:
    """Digest of every table that the DAGs write; times, run ids and raw ids (new after a seed) aside."""
    return {table: stack.rows(WITHOUT_TIMES.format(table=table)) for table, _ in DAGS.values() if table}


def versions(stack: Stack) -> list[tuple[object, ...]]:
    """Registered versions per training fingerprint, and how many are in Production."""
    return stack.rows(
        "select (select count(*) from model_versions), (select count(distinct value) from model_version_tags"
        " where key = 'training_fingerprint'),"
        " (select count(*) from model_versions where current_stage = 'Production'),"
        " (select count(*) from registered_model_aliases)",
        "mlflow",
    )


@contextlib.contextmanager
def in_the_middle(stack: Stack, table: str | None) -> Iterator[None]:
    """Enter when the DAG that was just triggered is inside its work; it goes on from there when the block ends."""
    if table is None:
        wait_for("a training run in MLflow", lambda: running_trainings(stack) > 0, 240, 0.1)
        yield
        return
    holder = stack.connect()
    holder.autocommit = False
    holder.execute(f"lock table {table} in share mode")
    waiting = (
        "select count(*) from pg_locks join pg_stat_activity using (pid)"
        " where not granted and usename = 'meli_pipeline'"
    )
    try:
        wait_for(f"a writer of {table} that waits", lambda: stack.rows(waiting)[0][0] > 0, 120, 0.1)
        yield
    finally:
        with contextlib.suppress(Exception):  # the server may be what was killed
            holder.close()


def running_trainings(stack: Stack) -> int:
    """Runs that MLflow has as running."""
    return int(stack.rows("select count(*) from runs where status = 'RUNNING'", "mlflow")[0][0])


@pytest.fixture
def healthy(trained: Stack) -> Stack:
    """The stack, all of it healthy, with no training that an earlier test left running."""
    wait_for("healthy", lambda: all(trained.healthy(name) for name in SERVICES), 240, 2)
    with trained.connect(database="mlflow") as conn:
        conn.execute("update runs set status = 'KILLED' where status = 'RUNNING'")
    return trained


def triggered(api: AirflowApi, dag_id: str, name: str) -> tuple[str, bool]:
    """Start the DAG; id of its run, and whether it makes a new model version."""
    run_id = f"{name}-{time.time_ns()}"
    conf: dict[str, object] = {"snapshot_date": DAGS[dag_id][1]}
    if DAGS[dag_id][0] is None:  # on closed Sundays that no version was trained on, and older than Production's
        snapshot_date, weeks = TRAININGS[int(versions(api.stack)[0][0]) - 1]
        conf = {"snapshot_date": snapshot_date, "lookback_weeks": weeks}
    api.trigger(dag_id, run_id, **conf)
    return run_id, DAGS[dag_id][0] is None


def check_nothing_lost(stack: Stack, before: dict[str, object], registered: list[tuple[object, ...]], new: int) -> None:
    """Tables as before; `new` more versions, each from another training, one in Production."""
    assert contents(stack) == before
    count = int(registered[0][0]) + new
    assert versions(stack) == [(count, count, 1, 1)]


@pytest.mark.parametrize(("service", "dag_id"), PAIRS)
def test_service_killed_in_the_middle_of_a_dag(
    healthy: Stack, api: AirflowApi, service: str, dag_id: str, tried: Tried
) -> None:
    if dag_id == "churn_batch_score_w":  # trainings of earlier tests may have brought another version into Production
        healthy.airflow("dags", "test", dag_id, DAGS[dag_id][1])
    before, registered = contents(healthy), versions(healthy)
    run_id, makes_version = triggered(api, dag_id, service)
    start = time.monotonic()
    with in_the_middle(healthy, DAGS[dag_id][0]):
        killed = time.monotonic()
        pid = healthy.kill(service)
    healed = healthy.heal_time(service, old={service: pid})
    state = wait_for("the API", lambda: api.wait_for_run(dag_id, run_id, 400), 500)
    ended = time.monotonic()
    assert state == "success"
    check_nothing_lost(healthy, before, registered, int(makes_version))
    attempts = max(task["try_number"] for task in api.tasks(dag_id, run_id))
    tried(
        f"{service} killed {killed - start:.0f} s into {dag_id}",
        f"healthy after {healed:.0f} s, run done {ended - killed:.0f} s after the kill in attempt {attempts}",
    )


def test_power_cut_in_the_middle_of_a_dag(healthy: Stack, api: AirflowApi, tried: Tried) -> None:
    before, registered = contents(healthy), versions(healthy)
    run_id, _ = triggered(api, "churn_feature_build_w", "power-cut")
    with in_the_middle(healthy, "features.churn_weekly_features"):
        old = {name: int(healthy.container(name)["State"]["Pid"]) for name in LONG_RUNNING}
        subprocess.run(["kill", "-9", *map(str, old.values())], check=True)
        killed = time.monotonic()
    healed = healthy.heal_time(*LONG_RUNNING, old=old, seconds=300)
    assert wait_for("the API", lambda: api.wait_for_run("churn_feature_build_w", run_id, 400), 500) == "success"
    check_nothing_lost(healthy, before, registered, 0)
    tried("all killed at once", f"all healthy after {healed:.0f} s, run done {time.monotonic() - killed:.0f} s after")


def test_restart_in_any_order(healthy: Stack, api: AirflowApi, tried: Tried) -> None:
    seed = random.randrange(10**6)
    order = random.Random(seed).sample(LONG_RUNNING, len(LONG_RUNNING))
    before, registered = contents(healthy), versions(healthy)
    healthy.run("docker", "restart", "-t", "5", *(healthy.container(name)["Id"] for name in order))
    healed = healthy.heal_time(*LONG_RUNNING, old={}, seconds=240)
    check_nothing_lost(healthy, before, registered, 0)
    tried(f"restarted in the order {' '.join(order)} (seed {seed})", f"all healthy {healed:.0f} s after the last")


def test_network_cut_between_mlflow_and_minio(healthy: Stack, api: AirflowApi, tried: Tried) -> None:
    before, registered = contents(healthy), versions(healthy)
    network, container = f"{healthy.project}_storage", healthy.container("mlflow")["Id"]
    run_id, _ = triggered(api, "churn_train_register_m", "cut")
    with in_the_middle(healthy, None):
        healthy.run("docker", "network", "disconnect", network, container)
    time.sleep(20)  # the cut itself
    healthy.run("docker", "network", "connect", "--alias", "mlflow", network, container)
    assert api.wait_for_run("churn_train_register_m", run_id, 600) == "success"
    check_nothing_lost(healthy, before, registered, 1)
    tried("network between MLflow and MinIO cut for 20 s during training", "run succeeded, one version more")


def test_second_run_meanwhile(healthy: Stack, api: AirflowApi, tried: Tried) -> None:
    before, registered = contents(healthy), versions(healthy)
    first, _ = triggered(api, "churn_feature_build_w", "first")
    shell: list[int] = []
    with in_the_middle(healthy, "features.churn_weekly_features"):
        beside = threading.Thread(
            target=lambda: shell.append(
                healthy.airflow("dags", "test", "churn_feature_build_w", "2019-05-26", check=False).returncode
            )
        )
        beside.start()
        second, _ = triggered(api, "churn_feature_build_w", "second")
    beside.join()
    assert [api.wait_for_run("churn_feature_build_w", run) for run in (first, second)] == ["success", "success"]
    assert shell == [0]
    check_nothing_lost(healthy, before, registered, 0)
    tried("two runs and one `dags test` of the same DAG and date at once", "all succeed, same rows")
