"""STACK=seed: the same source on Airflow 2.8 and MLflow 2.10, in a stack of its own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.harness import Stack

Tried = Callable[[str, str], None]


@pytest.fixture(scope="module")
def seed(tried: Tried) -> Iterator[Stack]:
    """The seed's line, built and healthy, after the four historical commands."""
    folder = Path(tempfile.mkdtemp(prefix="meli-seed-"))
    folder.chmod(0o755)
    made = Stack.make(folder, "meli-seed", STACK="seed")
    try:
        made.run("make", "up", timeout=3000)
        for dag_id, date in (
            ("churn_feature_build_w", "2019-05-26"),
            ("churn_train_register_m", "2019-05-31"),
            ("churn_batch_score_w", "2019-05-26"),
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
    for dag_id in ("churn_feature_build_w", "churn_train_register_m", "churn_batch_score_w", "etl_crypto_events_d"):
        assert dag_id in listed


def test_tables_are_filled_in_databases_of_its_own(seed: Stack) -> None:
    assert seed.rows("select count(*) > 0 from ops.churn_scoring") == [(True,)]
    assert seed.rows("select count(*) from model_versions", "mlflow_seed") == [(1,)]
    assert seed.rows("select count(*) > 0 from dag_run", "airflow_seed") == [(True,)]


def test_form_predicts(seed: Stack, tried: Tried) -> None:
    customer = seed.rows("select min(customer_id) from ops.churn_scoring")[0][0]
    score = seed.rows(f"select score from ops.churn_scoring where customer_id = {customer}")[0][0]
    shown = seed.predict(customer)
    assert f"{100 * score:.1f}".replace(".", ",") in shown, score
    tried(f"STACK=seed: the form for customer {customer}", shown)
