"""ENGINE=spark: the profile's cluster, with drivers in Airflow's image and Parquet in the object store.

It boots what Spark needs of the stack and no more: guard, MinIO with its bucket, master, worker, history server; then
what `ml.features` and `ml.infer_batch` need, whose drivers run in containers of their own.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.harness import COMPOSE, Stack, http, wait_for

Tried = Callable[[str, str], None]
DAY = "2019-05-26"
FEATURES = f"""
select count(*), md5(string_agg(feature::text, '' order by customer_id))
from features.churn_weekly_features as feature where snapshot_date = '{DAY}'
"""
ON_SPARK = f"select location is not null from ops.current_feature_builds where snapshot_date = '{DAY}'"
CLUSTER = ("spark-master", "spark-worker", "spark-history")
DRIVER = ("run", "--rm", "-T", "--no-deps", "--use-aliases")
REFUSED = "Failed to connect to master spark-master:7077"
# S3's keys are set once the JVM runs: what the builder is told is in the JVM's command line.
SESSION = """
import json, os, socket, time
from pyspark.sql import SparkSession

def session(name, **options):
    builder = SparkSession.builder.appName(name).master(os.environ["SPARK_MASTER_URL"])
    short = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # a job this short would wait for its compiler
    usual = {"spark.executor.memory": "1g", "spark.sql.shuffle.partitions": "2", "spark.driver.extraJavaOptions": short,
             "spark.executor.extraJavaOptions": short}
    for key, value in {**usual, **options}.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    for key, variable in {"endpoint": "S3_ENDPOINT_URL", "access.key": "S3_ACCESS_KEY", "secret.key": "S3_SECRET_KEY",
                          "endpoint.region": "S3_REGION"}.items():
        spark._jsc.hadoopConfiguration().set(f"fs.s3a.{key}", os.environ[variable])
    spark._jsc.hadoopConfiguration().set("fs.s3a.path.style.access", "true")
    return spark

lake = os.environ["LAKE_URL"].replace("s3://", "s3a://")
"""
SCORES = """
import sklearn

def scores(batches):
    import numpy as np, pyarrow as pa, sklearn
    from sklearn.linear_model import LogisticRegression
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    where = [socket.gethostname(), sklearn.__version__]
    for batch in batches:
        score = model.predict_proba(batch.column("x").to_numpy().reshape(-1, 1))[:, 1]
        columns = [batch.column("id"), pa.array(score), *(pa.array([value] * len(score)) for value in where)]
        yield pa.RecordBatch.from_arrays(columns, names=["id", "score", "host", "version"])

spark = session("scores")
spark.range(10_000).selectExpr("id", "rand(1) as x").write.mode("overwrite").parquet(f"{lake}/customers")
read = spark.read.parquet(f"{lake}/customers").repartition(4)
read.mapInArrow(scores, "id long, score double, host string, version string").write.parquet(f"{lake}/scores")
found = spark.read.parquet(f"{lake}/scores").selectExpr(
    "count(distinct id)", "min(score) > 0 and max(score) < 1", "max(host)", "max(version)").collect()[0]
print(json.dumps([spark.sparkContext.applicationId, [socket.gethostname(), sklearn.__version__], list(found)]))
spark.stop()
"""
SLOW = """
def slowly(batches):
    time.sleep(4)
    yield from batches

spark = session("slow")
spark.range(0, 10_000, 1, 8).mapInArrow(slowly, "id long").write.parquet(f"{lake}/slow")
print(spark.read.parquet(f"{lake}/slow").selectExpr("count(distinct id)").collect()[0][0])
spark.stop()
"""


@pytest.fixture(scope="module")
def cluster(tried: Tried) -> Iterator[Stack]:
    """The cluster, healthy, and the bucket."""
    folder = Path(tempfile.mkdtemp(prefix="meli-spark-"))
    folder.chmod(0o755)
    made = Stack.make(folder, "meli-spark", ENGINE="spark", SPARK_WORKER_MEMORY="3g", SPARK_EXECUTOR_MEMORY="1g")
    try:
        made.compose("build", "db-init", "spark-master", "minio", "mlflow", timeout=3000)
        tried("Spark's cluster, healthy after", f"{made.up('spark-worker', 'spark-history', 'minio'):.0f} s")
        made.compose("run", "--rm", "-T", "minio-create-bucket")
        yield made
    finally:
        made.compose("down", "--volumes", "--remove-orphans", "--rmi", "local", check=False)
        shutil.rmtree(folder)


def driver(cluster: Stack, code: str, *options: str, check: bool = True, seconds: int = 240) -> Any:
    """Run a Spark job where Airflow's tasks run."""
    command = (*DRIVER, *options, "airflow-scheduler", "timeout", str(seconds), "/opt/ml/bin/python", "-")
    return cluster.compose(*command, stdin=SESSION + code, check=check)


def page(cluster: Stack, port: str, path: str) -> Any:
    """What a page of Spark says as JSON."""
    status, body = http(f"http://127.0.0.1:{cluster.port(port)}{path}")
    assert status == 200, (status, body[:300])
    return json.loads(body)


def master(cluster: Stack) -> Any:
    """Workers and applications, as the master sees them."""
    return page(cluster, "spark_master_ui", "/json/")


def listed(cluster: Stack, status: str) -> list[tuple[str, int]]:
    """Runs that the history server knows, with their exit codes; it looks for new ones every ten seconds."""
    found = page(cluster, "spark_history", f"/api/v1/applications?status={status}")
    return [(run["id"], run["attempts"][0].get("exitCode")) for run in found]


@pytest.mark.parametrize("service", CLUSTER)
def test_container_has_no_more_rights_than_it_needs(cluster: Stack, service: str, tried: Tried) -> None:
    cluster.assert_hardened(service)
    tried(f"idle memory of {service}", f"{cluster.idle_memory(service):.0f} MiB")


@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("spark-master", "minio:9000"), ("spark-history", "minio:9000"), ("spark-history", "spark-master:7077"),
        ("spark-worker", "spark-history:18080"), ("minio", "spark-master:7077"), ("minio", "spark-history:18080"),
    ],
)  # fmt: skip
def test_service_reaches_only_what_it_needs(cluster: Stack, service: str, target: str, tried: Tried) -> None:
    cluster.assert_no_route(service, target)
    tried(f"{service} to {target}, by name and by address", "no way")


def test_a_worker_scores_with_the_pipelines_libraries_from_parquet_in_the_store(cluster: Stack, tried: Tried) -> None:
    application, (here, version), (rows, probable, there, version_there) = json.loads(
        driver(cluster, SCORES).stdout.splitlines()[-1]
    )
    assert (rows, probable, version_there) == (10_000, True, version)
    assert there != here
    assert there == master(cluster)["workers"][0]["host"]
    tried("10,000 rows: Parquet in MinIO, scikit-learn on a worker, Parquet in MinIO", "read back")
    wait_for("the run in the history", lambda: listed(cluster, "completed") == [(application, 0)], 60)
    told = page(cluster, "spark_history", f"/api/v1/applications/{application}/environment")
    assert not [value for name, value in cluster.settings.items() if name.endswith("PASSWORD") and value in str(told)]
    tried("the history server", "lists the run, without passwords")


def test_nobody_without_the_secret_uses_the_cluster(cluster: Stack, tried: Tried) -> None:
    before = master(cluster)["completedapps"]
    without = '**{"spark.authenticate": "false", "spark.network.crypto.enabled": "false"}'
    intruders = {
        "another": ("-e", "_SPARK_AUTH_SECRET=another", "airflow-scheduler", "/opt/ml/bin/python", "-c"),
        "no": ("airflow-scheduler", "/opt/ml/bin/python", "-c"),
    }
    try:
        for kind, command in intruders.items():
            code = f"{SESSION}session('intruder', {without if kind == 'no' else ''})"
            # They would go on asking for a minute.
            cluster.compose("run", "-d", "--no-deps", "--name", f"meli-spark-{kind}", *command, code)
        for kind in intruders:
            wait_for(f"a refusal of {kind} secret", lambda kind=kind: REFUSED in log(cluster, f"meli-spark-{kind}"))
            tried(f"a driver with {kind} secret", "refused by the master")
    finally:
        cluster.run("docker", "rm", "-f", *(f"meli-spark-{kind}" for kind in intruders), check=False)
    after = master(cluster)
    assert (after["activeapps"], after["completedapps"]) == ([], before)


def log(cluster: Stack, container: str) -> str:
    """What a container has printed."""
    shown = cluster.run("docker", "logs", container)
    return shown.stdout + shown.stderr


@pytest.fixture(scope="module")
def slow(cluster: Stack) -> Iterator["subprocess.Popen[str]"]:
    """A job whose tasks have begun; they need 16 seconds."""
    command = [*DRIVER, "--name", "meli-spark-slow", "airflow-scheduler", "/opt/ml/bin/python", "-c", SESSION + SLOW]
    run = subprocess.Popen(
        [*COMPOSE, *command],
        cwd=cluster.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_for("a task of the slow job", lambda: "pyspark.daemon" in top(cluster, "spark-worker"))
        yield run
    finally:
        cluster.run("docker", "rm", "-f", "meli-spark-slow", check=False)
        run.communicate()


def top(cluster: Stack, service: str) -> str:
    """Command lines of the service's processes."""
    return cluster.run("docker", "top", cluster.container(service)["Id"]).stdout


def test_no_password_is_in_a_process_list(cluster: Stack, slow: "subprocess.Popen[str]", tried: Tried) -> None:
    seen = cluster.run("docker", "top", "meli-spark-slow").stdout + "".join(top(cluster, name) for name in CLUSTER)
    assert "CoarseGrainedExecutorBackend" in seen
    assert not [value for name, value in cluster.settings.items() if name.endswith("PASSWORD") and value in seen]
    tried("passwords in the process lists of driver, master, worker, executor", "none")


def test_pages_end_nothing(cluster: Stack, slow: "subprocess.Popen[str]", tried: Tried) -> None:
    (running,) = master(cluster)["activeapps"]
    url = f"http://127.0.0.1:{cluster.port('spark_master_ui')}"
    assert "kill" not in http(url)[1]
    worker = master(cluster)["workers"][0]
    for path, sent in (
        ("/app/kill/", f"id={running['id']}&terminate=true"),
        ("/workers/kill/", f"host={worker['host']}"),
        (f"/proxy/{worker['id']}/driver/kill/", f"id={running['id']}&terminate=true"),
    ):
        http(url + path, data=sent.encode(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert [app["id"] for app in master(cluster)["activeapps"]] == [running["id"]]
    assert [found["state"] for found in master(cluster)["workers"]] == ["ALIVE"]
    wait_for(
        "the run in the history", lambda: [found for found, _ in listed(cluster, "running")] == [running["id"]], 60
    )
    tried("ending a run or a worker by a page of Spark", "does nothing")


def test_a_killed_worker_costs_a_run_nothing_but_time(
    cluster: Stack, slow: "subprocess.Popen[str]", tried: Tried
) -> None:
    assert slow.poll() is None
    cluster.kill("spark-worker")
    printed, logged = slow.communicate(timeout=240)
    assert slow.returncode == 0, logged[-3000:]
    assert printed.splitlines()[-1] == "10000"
    assert "worker lost" in logged.lower() or "lost executor" in logged.lower()
    wait_for("one worker alive", lambda: [w for w in master(cluster)["workers"] if w["state"] == "ALIVE"])
    tried("spark-worker killed in the middle of a job", "the job ends well, with all rows")


@pytest.fixture(scope="module")
def scored(cluster: Stack) -> Stack:
    """The sample in PostgreSQL and in the lake, and a snapshot that PostgreSQL has built and scored."""
    cluster.up("mlflow", "spark-worker", "spark-history")
    for command in (
        ("ml.features", "--snapshot-date", DAY),
        ("ml.train", "--snapshot-date", "2019-04-07", "--lookback-weeks", "1"),
        ("ml.promote",),
        ("ml.infer_batch", "--snapshot-date", DAY),
    ):
        pipeline(cluster, *command, engine="postgres")
    return cluster


def pipeline(cluster: Stack, *command: str, engine: str = "spark") -> Any:
    """Run a command where Airflow's tasks run; the JSON that it prints."""
    started = (*DRIVER, "-e", f"ENGINE={engine}", "airflow-scheduler", "/opt/ml/bin/python", "-m", *command)
    return json.loads(cluster.compose(*started).stdout.splitlines()[-1])


def test_features_and_scores_of_the_cluster_are_those_of_postgresql(scored: Stack, tried: Tried) -> None:
    on_postgres = scored.rows(FEATURES)
    built = pipeline(scored, "ml.features", "--snapshot-date", DAY)
    assert scored.rows(FEATURES) == on_postgres == [(built["rows"], on_postgres[0][1])]
    assert scored.rows(ON_SPARK) == [(True,)]
    told = pipeline(scored, "ml.infer_batch", "--snapshot-date", DAY)
    assert (told["scored"], told["is_new"]) == (built["active"], False)
    tried("features and scores on the cluster", "the rows of PostgreSQL")


@pytest.mark.parametrize("fault", ["spark-worker killed", "minio away for 30 seconds"])
def test_a_fault_while_features_are_computed_leaves_all_rows_or_none(scored: Stack, tried: Tried, fault: str) -> None:
    service = fault.split()[0]
    before = scored.rows(FEATURES)
    command = [*DRIVER, "airflow-scheduler", "/opt/ml/bin/python", "-m", "ml.features", "--snapshot-date", DAY]
    running = subprocess.Popen(
        [*COMPOSE, *command],
        cwd=scored.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for("an executor", lambda: "CoarseGrainedExecutorBackend" in top(scored, "spark-worker"))
    if service == "minio":
        scored.compose("stop", service)
        time.sleep(30)  # the fault itself
        scored.compose("start", service)
    else:
        scored.kill(service)
    _, logged = running.communicate(timeout=600)
    assert running.returncode in (0, 75), logged[-3000:]
    assert scored.rows(FEATURES) == before
    tried(f"{fault} while features are computed", "all rows" if running.returncode == 0 else "tried again later")
    wait_for("one worker alive", lambda: [w for w in master(scored)["workers"] if w["state"] == "ALIVE"])
    wait_for("the object store", lambda: scored.healthy("minio"))
    pipeline(scored, "ml.features", "--snapshot-date", DAY)
    assert scored.rows(FEATURES) == before


def test_older_version_line_is_refused_before_anything_is_built(cluster: Stack, tried: Tried) -> None:
    refused = cluster.run("make", "up", check=False, STACK="seed", timeout=60)
    assert refused.returncode != 0
    assert "ENGINE=spark needs the current versions: leave STACK empty." in refused.stderr
    unknown = cluster.run("make", "up", "ENGINE=sprak", check=False, timeout=60)
    assert "ENGINE is neither spark nor postgres nor empty" in unknown.stderr
    tried("make up ENGINE=spark STACK=seed", "refused")
