"""STACK=seed: the same source on Airflow 2.8 and MLflow 2.10, in a separate stack."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.harness import Stack, wait_for

Tried = Callable[[str, str], None]


@pytest.fixture(scope="module")
def seed(tried: Tried) -> Iterator[Stack]:
    """The seed's line, built and healthy, after the commands of the README."""
    folder = Path(tempfile.mkdtemp(prefix="meli-seed-"))
    folder.chmod(0o755)
    made = Stack.make(folder, "meli-seed", STACK="seed")
    try:
        made.run("make", "up", timeout=3000)
        for dag_id, date in (
            ("churn_feature_build_w", "2019-05-26"),
            ("churn_train_register_m", "2019-05-31"),
            ("churn_batch_score_w", "2019-05-26"),
            ("churn_monitor_w", "2019-05-26"),
            ("etl_crypto_events_d", "2019-05-26"),
        ):
            made.airflow("dags", "test", dag_id, date)
            tried(f"STACK=seed: airflow dags test {dag_id} {date}", "success")
        yield made
    finally:
        made.compose("down", "--volumes", "--rmi", "local", check=False)
        shutil.rmtree(folder)


def test_versions_are_the_seeds(seed: Stack) -> None:
    assert seed.airflow("version").stdout.strip().endswith("2.8.4")
    for service in ("airflow-webserver", "jupyter", "streamlit"):
        assert seed.python(service, "import mlflow; print(mlflow.__version__)") == "2.10.2"


def test_every_dag_is_imported(seed: Stack) -> None:
    assert "No data found" in seed.airflow("dags", "list-import-errors").stdout
    listed = seed.airflow("dags", "list", "-o", "plain").stdout
    dags = ("churn_feature_build_w", "churn_train_register_m", "churn_batch_score_w", "churn_monitor_w")
    for dag_id in (*dags, "etl_crypto_events_d"):
        assert dag_id in listed


def test_tables_are_filled_in_databases_of_its_own(seed: Stack) -> None:
    assert seed.rows("select count(*) > 0 from ops.churn_scoring") == [(True,)]
    assert seed.rows("select count(*) from model_versions", "mlflow_seed") == [(1,)]
    assert seed.rows("select count(*) > 0 from dag_run", "airflow_seed") == [(True,)]


def test_every_page_is_drawn_and_a_customer_has_their_score(seed: Stack, tried: Tried) -> None:
    customer, snapshot, score = seed.rows(
        "select customer_id, snapshot_date, score from ops.churn_scoring order by 1, 2 limit 1"
    )[0]
    shown = seed.pages(customer, snapshot)
    assert f"{100 * score:.1f}".replace(".", ",") in shown, score
    tried(f"STACK=seed: the page of customer {customer}", shown)


def test_current_mlflow_brings_its_database_up_to_date(seed: Stack, stack: Stack, tried: Tried) -> None:
    copy = (
        "createdb -U meli -O meli_mlflow mlflow_newer"
        " && pg_dump -U meli mlflow_seed | psql -q -v ON_ERROR_STOP=1 -U meli mlflow_newer"
    )
    seed.exec("postgres", "bash", "-c", copy)
    server = f"{seed.project}-newer-mlflow"
    env = {
        "POSTGRES_HOST": "postgres", "MLFLOW_DB": "mlflow_newer", "MLFLOW_DB_USER": "meli_mlflow",
        "MLFLOW_DB_PASSWORD": seed.settings["MLFLOW_DB_PASSWORD"], "MLFLOW_ARTIFACTS_DESTINATION": "/tmp/artifacts",
    }  # fmt: skip
    variables = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
    image = stack.container("mlflow")["Config"]["Image"]
    seed.run("docker", "run", "-d", "--name", server, "--network", f"{seed.project}_airflow", *variables, image)
    ask = (
        "from mlflow import MlflowClient; client = MlflowClient('http://127.0.0.1:5000');"
        "print('production is version', client.get_model_version_by_alias('churn-logreg', 'production').version)"
    )
    try:
        answer = wait_for(
            "the newer server",
            lambda: (
                seed.run("docker", "exec", server, "http_ok", "5000", "/health", check=False).returncode == 0
                and seed.run("docker", "exec", server, "python", "-c", ask).stdout
            ),
        )
    finally:
        seed.run("docker", "rm", "-f", server)
    assert answer.strip() == "production is version 1"
    tried("the MLflow database of STACK=seed under the current MLflow", answer.strip())
