"""What time and other machines do to a stack: old schemas, old logs, another object store, little memory, CRLF."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.stack.harness import AirflowApi, Stack, wait_for

Tried = Callable[[str, str], None]
OTHER_STORE = {
    "S3_ENDPOINT_URL": "http://other-store:9000", "S3_ACCESS_KEY": "somebody", "S3_SECRET_KEY": "some $key #1",
    "S3_BUCKET": "elsewhere",
}  # fmt: skip
LOG = "import mlflow; mlflow.set_experiment('other'); mlflow.start_run(); mlflow.log_text('there', 'where.txt')"
LIST = (
    "import boto3, os; s3 = boto3.client('s3', endpoint_url=os.environ['MLFLOW_S3_ENDPOINT_URL']);"
    "print([entry['Key'] for entry in s3.list_objects_v2(Bucket=os.environ['S3_BUCKET'])['Contents']])"
)


def test_too_little_memory_is_said_before_anything_starts(stack: Stack, tried: Tried) -> None:
    refused = stack.compose("run", "--rm", "-e", "MIN_MEMORY_MB=99999999", "guard", check=False)
    assert refused.returncode != 0
    assert "the stack needs 99999999" in refused.stderr
    tried("a machine with less memory than the stack needs", "refused, names MIN_MEMORY_MB")


def test_scripts_with_windows_line_ends_work(stack: Stack, tried: Tried) -> None:
    mounted = [
        stack.root / "docker/guard.sh", *(stack.root / "docker/postgres").rglob("*.sh"),
        *(stack.root / "docker/postgres").rglob("*.sql"),
    ]  # fmt: skip
    before = {path: path.read_bytes() for path in mounted}
    try:
        for path, content in before.items():
            path.write_bytes(content.replace(b"\n", b"\r\n"))
        stack.compose("run", "--rm", "--no-deps", "guard")
        stack.compose("run", "--rm", "--no-deps", "db-init", "up")
    finally:
        for path, content in before.items():
            path.write_bytes(content)
    tried(f"{len(mounted)} mounted scripts with CRLF line ends", "all run")


def airflow_revision(stack: Stack, database: str) -> str:
    """The schema version that a database of Airflow has."""
    return str(stack.rows("select version_num from alembic_version", database)[0][0])


def test_older_airflow_database_is_brought_up_to_date(stack: Stack, tried: Tried) -> None:
    def init(*command: str) -> None:
        stack.compose("run", "--rm", "--no-deps", "-e", "AIRFLOW_DB=airflow_old", "airflow-init", *command)

    with stack.connect(database="postgres") as conn:
        conn.execute("drop database if exists airflow_old")
        conn.execute("create database airflow_old owner meli_airflow")
    try:
        init("init")
        newest = airflow_revision(stack, "airflow_old")
        assert newest == airflow_revision(stack, "airflow")
        init("airflow", "db", "downgrade", "--to-version", "3.0.0", "--yes")
        assert airflow_revision(stack, "airflow_old") != newest
        init("init")
        assert airflow_revision(stack, "airflow_old") == newest
    finally:
        with stack.connect(database="postgres") as conn:
            conn.execute("drop database airflow_old with (force)")
    tried("Airflow's database as 3.0.0 left it", "brought up to date by airflow-init")


def test_old_runs_and_logs_go(trained: Stack, api: AirflowApi, tried: Tried) -> None:
    dag_id = "churn_feature_build_w"
    run_ids = [f"{name}-{time.time_ns()}" for name in ("old", "young")]
    for run_id in run_ids:
        api.trigger(dag_id, run_id, snapshot_date="2019-05-26")
        assert api.wait_for_run(dag_id, run_id) == "success"
    with trained.connect(database="airflow") as conn:
        for table in ("dag_run", "task_instance"):
            conn.execute(f"update {table} set start_date = now() - interval '100 days' where run_id = %s", [run_ids[0]])
    folders = [f"/opt/airflow/logs/dag_id={dag_id}/run_id={run_id}" for run_id in run_ids]
    trained.exec("airflow-scheduler", "find", folders[0], "-exec", "touch", "-d", "100 days ago", "{}", "+")
    trained.compose("restart", "-t", "1", "airflow-maintenance")  # it cleans at its start, and daily from then on

    def left(run_id: str) -> bool:
        return bool(trained.rows(f"select from dag_run where run_id = '{run_id}'", "airflow"))

    def has_logs(folder: str) -> bool:
        return trained.exec("airflow-scheduler", "find", folder, "-type", "f", check=False).stdout != ""

    wait_for("the old run to go", lambda: not left(run_ids[0]) and not has_logs(folders[0]), 180, 2)
    assert left(run_ids[1])
    assert has_logs(folders[1])
    tried("a run and its logs of 100 days ago (KEEP_RUNS_DAYS=90)", "gone; younger ones kept")


@pytest.fixture
def elsewhere(trained: Stack) -> Iterator[Stack]:
    """The stack with another object store on its storage network, which `.env` names, its keys and bucket included."""
    name = f"{trained.project}-other-store"
    image = trained.container("minio")["Config"]["Image"]
    trained.run(
        "docker", "run", "-d", "--name", name, "--network", f"{trained.project}_storage", "--network-alias",
        "other-store", "-e", f"MINIO_ROOT_USER={OTHER_STORE['S3_ACCESS_KEY']}",
        "-e", f"MINIO_ROOT_PASSWORD={OTHER_STORE['S3_SECRET_KEY']}", image,
    )  # fmt: skip
    before = (trained.root / ".env").read_text(encoding="utf-8")
    try:
        trained.set(**OTHER_STORE)
        yield trained
    finally:
        (trained.root / ".env").write_text(before, encoding="utf-8")
        trained.up("mlflow")
        trained.run("docker", "rm", "-f", name)


def test_any_s3_endpoint_takes_the_place_of_minio(elsewhere: Stack, tried: Tried) -> None:
    elsewhere.up("mlflow")
    elsewhere.python("jupyter", LOG)
    assert "where.txt" in elsewhere.exec("mlflow", "python", "-c", LIST).stdout
    assert (
        elsewhere.exec("mlflow", "printenv", "MLFLOW_S3_ENDPOINT_URL").stdout.strip() == OTHER_STORE["S3_ENDPOINT_URL"]
    )
    tried("another S3 endpoint, key, secret and bucket in .env", "bucket made, artifact in it")
