"""MLflow from every service and from the host, artifacts in the bucket, one Production model."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.stack.harness import Stack, http

Tried = Callable[[str, str], None]
CLIENTS = {"airflow-webserver": "/opt/ml/bin/python", "airflow-scheduler": "/opt/ml/bin/python",
           "jupyter": "/opt/ml/bin/python", "streamlit": "/opt/ml/bin/python"}  # fmt: skip
LOG = """
import mlflow, os
mlflow.set_experiment("probe")
with mlflow.start_run() as run:
    mlflow.log_metric("m", 1)
    mlflow.log_text("{text}", "folder/probe.txt")
print(run.info.run_id)
"""
READ = """
import mlflow
print(mlflow.artifacts.load_text("runs:/{run_id}/folder/probe.txt"))
"""


@pytest.mark.parametrize("service", CLIENTS)
def test_client_logs_and_another_service_reads(stack: Stack, service: str) -> None:
    run_id = stack.python(service, LOG.format(text=f"from {service}")).splitlines()[-1]
    others = [name for name in CLIENTS if name != service]
    assert stack.python(others[0], READ.format(run_id=run_id)).splitlines()[-1] == f"from {service}"


def test_client_on_the_host(stack: Stack, tried: Tried) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS")}
    env["MLFLOW_TRACKING_URI"] = stack.url("mlflow")
    done = subprocess.run(
        [sys.executable, "-c", LOG.format(text="host")], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert stack.python("jupyter", READ.format(run_id=done.stdout.split()[-1])).endswith("host")
    tried("MLflow client from four services and the host, without S3 keys", "logs and reads")


def test_artifacts_are_in_the_bucket(trained: Stack) -> None:
    listing = trained.exec(
        "mlflow", "python", "-c",
        "import boto3, os; s3 = boto3.client('s3', endpoint_url=os.environ['MLFLOW_S3_ENDPOINT_URL']);"
        "print('\\n'.join(o['Key'] for o in s3.list_objects_v2(Bucket='mlflow-artifacts')['Contents']))",
    ).stdout  # fmt: skip
    assert "MLmodel" in listing


def test_no_client_has_keys_of_the_store(stack: Stack) -> None:
    for service in CLIENTS:
        env = stack.exec(service, "env").stdout
        assert stack.settings["MINIO_ROOT_PASSWORD"] not in env
        assert "AWS_" not in env


def test_one_version_is_in_production_and_its_alias_says_the_same(trained: Stack) -> None:
    answer = trained.python(
        "jupyter",
        "from mlflow import MlflowClient; import json; c = MlflowClient();"
        "found = c.search_model_versions(\"name='churn-logreg'\");"
        "stage = [v.version for v in found if v.current_stage == 'Production'];"
        "print(json.dumps([stage, c.get_model_version_by_alias('churn-logreg', 'production').version]))",
    )
    stage, alias = json.loads(answer.splitlines()[-1])
    assert stage == [alias]


def test_model_trained_in_airflow_answers_in_the_notebook_and_the_form(trained: Stack) -> None:
    code = (
        "import mlflow; m = mlflow.pyfunc.load_model('models:/churn-logreg@production');"
        "e = m.input_example if hasattr(m, 'input_example') else None;"
        "print(float(m.predict(e).ravel()[-1]) if e is not None else m.metadata.run_id)"
    )
    for service in ("jupyter", "streamlit"):
        assert trained.python(service, code)


@pytest.mark.parametrize(
    ("header", "status"),
    [({"Host": "localhost:5000"}, 200), ({"Host": "mlflow:5000"}, 200), ({"Host": "evil.example"}, 403),
     ({"Origin": "http://evil.example"}, 403)],
)  # fmt: skip
def test_foreign_host_and_origin_are_turned_away(stack: Stack, header: dict[str, str], status: int) -> None:
    url = f"{stack.url('mlflow')}/api/2.0/mlflow/experiments/search"
    assert http(url, data={"max_results": 1}, headers=header)[0] == status
