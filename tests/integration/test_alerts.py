"""A failed DAG run and alerts of monitoring tell someone: the log, and the webhook if there is one."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.integration.conftest import ROOT
from tests.integration.faults import wait_until

DAG = "churn_feature_build_w"
LOG_TO_STDOUT = {"AIRFLOW__LOGGING__DAG_PROCESSOR_LOG_TARGET": "stdout"}  # as both ways of running have it
# The least that Airflow 3 hands over: a run without a task instance.
CALL = """
import logging, sys
from types import SimpleNamespace
import alerts
logging.basicConfig(stream=sys.stdout)
alerts.TIMEOUT_S = 0.2
alerts.announce_failure({"dag": SimpleNamespace(dag_id="some_dag"), "run_id": "some_run"})
"""
ALERTS = [
    {"check": "drift", "subject": "payments_90d", "value": 0.2, "detail": "index 0.200", "what_to_do": "train again"},
    {"check": "volume", "subject": "customers", "value": 0.5, "detail": "5, 10 a week before", "what_to_do": "look"},
]
MONITORED = """
import json, logging, sys
from types import SimpleNamespace
import alerts
logging.basicConfig(stream=sys.stdout)
monitored = {"snapshot_date": "2019-06-30", "alerts": json.loads(sys.argv[1])}
alerts.announce_alerts(monitored, SimpleNamespace(dag_id="churn_monitor_w"), "some_run")
"""
# As the scheduler would leave a run whose only task has failed.
FAIL = """
import sys
from datetime import UTC, datetime
from airflow.models.dagrun import get_or_create_dagrun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
now = datetime.now(UTC)
with create_session() as session:
    run = get_or_create_dagrun(
        dag=SerializedDagModel.get_dag(sys.argv[1]), run_id=sys.argv[2], logical_date=datetime(2019, 4, 7, tzinfo=UTC),
        data_interval=None, run_after=now, conf=None, start_date=now, session=session,
        triggered_by=DagRunTriggeredByType.CLI, triggering_user_name="test",
    )
    for task in run.get_task_instances(session=session):
        task.state, task.end_date = TaskInstanceState.FAILED, now
"""


class Webhook(HTTPServer):
    """Takes what is posted to it and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.status = 200
        self.received = []
        self.url = f"http://127.0.0.1:{self.server_port}/secret-path"


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments):
        """Nothing: what is received is looked at."""


@pytest.fixture
def webhook():
    server = Webhook()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_failed_run_is_announced_in_the_log_and_to_the_webhook(airflow, seeded, webhook):
    failed = airflow.test(DAG, "2019-12-01", seeded, ALERT_WEBHOOK_URL=webhook.url)
    assert failed.returncode == 1
    ((path, content_type, message),) = webhook.received
    assert (path, content_type) == ("/secret-path", "application/json")
    run_id = message["run_id"]
    assert message == {
        "text": f"DAG {DAG} failed for 2019-12-01: run {run_id}, task build_features, log {message['log_url']}",
        "dag_id": DAG,
        "run_id": run_id,
        "snapshot_date": "2019-12-01",
        "failed_tasks": ["build_features"],
        "log_url": message["log_url"],
    }
    assert message["log_url"].startswith("http")
    assert (failed.stdout + failed.stderr).count(message["text"]) == 1
    assert "secret-path" not in failed.stdout + failed.stderr


def test_run_that_succeeds_announces_nothing(airflow, seeded, webhook):
    done = airflow.test(DAG, "2019-05-26", seeded, ALERT_WEBHOOK_URL=webhook.url)
    assert done.returncode == 0, done.stdout[-3000:]
    assert webhook.received == []


def test_dag_processor_announces_what_the_scheduler_finds_failed(airflow, webhook):
    assert airflow.run("dags", "reserialize").returncode == 0
    run_id = "alert-of-the-scheduler"
    begun = airflow.python("-c", FAIL, DAG, run_id)
    assert begun.returncode == 0, begun.stderr[-2000:]
    # A processor that is told to stop after so many rounds may stop with the callback in its hands.
    with (
        airflow.running("scheduler", "--skip-serve-logs"),
        airflow.running("dag-processor", **LOG_TO_STDOUT, ALERT_WEBHOOK_URL=webhook.url) as output,
    ):
        message = wait_until(
            lambda: next((sent for _, _, sent in webhook.received if sent["run_id"] == run_id), None),
            f"an announcement of run {run_id}",
        )
        wait_until(lambda: message["text"] in output.read_text(), f"{message['text']} in the log")
    assert (message["snapshot_date"], message["failed_tasks"]) == ("2019-04-07", ["build_features"])


def test_alerts_of_monitoring_are_one_message(airflow, webhook):
    env = {"PYTHONPATH": str(ROOT / "airflow" / "include"), "ALERT_WEBHOOK_URL": webhook.url}
    quiet = airflow.python("-c", MONITORED, "[]", **env)
    assert (quiet.returncode, quiet.stdout, webhook.received) == (0, "", [])
    said = airflow.python("-c", MONITORED, json.dumps(ALERTS), **env)
    ((_, _, message),) = webhook.received
    text = "2 alerts at snapshot 2019-06-30: drift of payments_90d: index 0.200. What to do: train again;"
    assert message == {
        "text": f"{text} volume of customers: 5, 10 a week before. What to do: look",
        "dag_id": "churn_monitor_w",
        "run_id": "some_run",
        "snapshot_date": "2019-06-30",
        "alerts": ALERTS,
    }
    assert said.stdout.splitlines() == [f"ERROR:alerts:{message['text']}"]


def call(airflow, url):
    done = airflow.python("-c", CALL, PYTHONPATH=str(ROOT / "airflow" / "include"), ALERT_WEBHOOK_URL=url)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_without_a_webhook_the_log_says_it(airflow):
    assert call(airflow, "").splitlines() == [
        "ERROR:alerts:DAG some_dag failed for None: run some_run, task unknown, log None"
    ]


def test_webhook_that_refuses_is_logged_without_its_address(airflow, webhook):
    webhook.status = 403
    said = call(airflow, webhook.url)
    assert len(webhook.received) == 1
    assert "WARNING:alerts:ALERT_WEBHOOK_URL: the webhook answered with status 403" in said
    assert "secret-path" not in said


def test_webhook_that_does_not_answer_is_given_up(airflow):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = call(airflow, f"http://127.0.0.1:{silent.getsockname()[1]}/secret-path")
    assert "ALERT_WEBHOOK_URL: the message was not sent: ReadTimeout" in said
    assert "secret-path" not in said


@pytest.mark.parametrize(
    ("url", "why"), [("http://127.0.0.1:9/secret-path", "ConnectionError"), ("nonsense", "MissingSchema")]
)
def test_webhook_that_cannot_be_reached_is_logged(airflow, url, why):
    said = call(airflow, url)
    assert f"ALERT_WEBHOOK_URL: the message was not sent: {why}" in said
    assert "secret-path" not in said
