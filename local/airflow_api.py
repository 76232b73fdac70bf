"""A client for the REST API of the running Airflow, as far as the replay and the tests need it."""

import json
import time
from datetime import date
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from local.console import Failure

ENDED = ("success", "failed")
# Waits about a minute for a server that restarts.
PATIENCE = Retry(total=33, backoff_factor=0.5, backoff_max=2, status_forcelist=range(500, 600), allowed_methods=None)


class AirflowApi:
    """Signs in as a user at the first call."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for calls to this machine
        self._session.mount("http://", HTTPAdapter(max_retries=PATIENCE))

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """Answer of `/api/v2<path>`, parsed.

        Raises:
            Failure: the server refuses the call (the message quotes it), or does not answer for a minute.
        """
        if "Authorization" not in self._session.headers:
            token = self._send("POST", "/auth/token", json=self._credentials)["access_token"]
            self._session.headers["Authorization"] = f"Bearer {token}"
        return self._send(method, f"/api/v2{path}", json=body, params=query)

    def _send(self, method: str, path: str, **content: Any) -> Any:
        try:
            answer = self._session.request(method, f"{self.url}{path}", timeout=30, **content)
        except requests.RequestException as error:
            raise Failure(f"Airflow does not answer at {self.url}: {error}") from error
        if not answer.ok:
            raise Failure(f"Airflow answers {method} {path} with {answer.status_code}: {answer.text[:2000]}")
        return answer.json() if answer.content else None

    def wait_for_dags(self, dag_ids: list[str], *, seconds: float = 120) -> None:
        """Return when all these DAGs are known.

        Raises:
            Failure: one is not; with its import error, if there is one.
        """
        deadline = time.monotonic() + seconds
        while True:
            known = {dag["dag_id"] for dag in self.call("GET", "/dags", limit="100")["dags"]}
            missing = sorted(set(dag_ids) - known)
            if not missing:
                return
            if time.monotonic() > deadline:
                errors = self.call("GET", "/importErrors")["import_errors"]
                said = "\n".join(error["stack_trace"] for error in errors) or "no import error is known"
                raise Failure(f"Airflow does not know {', '.join(missing)}: {said}")
            time.sleep(1)

    def run(self, dag_id: str, logical_date: date) -> str:
        """Start a run for the date and return its id; a run of an earlier call is ended and repeated."""
        when = f"{logical_date}T00:00:00Z"
        runs = self.call("GET", f"/dags/{dag_id}/dagRuns", logical_date_gte=when, logical_date_lte=when)["dag_runs"]
        if not runs:
            body = {"logical_date": when, "dag_run_id": f"demo__{logical_date}"}
            return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])
        run_id: str = runs[0]["dag_run_id"]
        self.end_run(dag_id, run_id)
        self.call("POST", f"{_path(dag_id, run_id)}/clear", {"dry_run": False})
        return run_id

    def end_run(self, dag_id: str, run_id: str) -> None:
        """Mark a queued or running run as failed; Airflow stops its tasks."""
        if self.call("GET", _path(dag_id, run_id))["state"] not in ENDED:
            self.call("PATCH", _path(dag_id, run_id), {"state": "failed"})

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float) -> dict[str, Any]:
        """Wait until the run has succeeded and return it.

        Raises:
            Failure: it failed, with the last lines of the log of the task that did, or it takes too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.call("GET", _path(dag_id, run_id))
            if run["state"] == "success":
                return run
            if run["state"] == "failed":
                raise Failure(f"{dag_id} {run_id} failed:\n{self.why(dag_id, run_id)}")
            time.sleep(0.5)
        raise Failure(f"{dag_id} {run_id} has not ended after {seconds:.0f} s; see {self.url}/dags/{dag_id}")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run, in the order in which they started."""
        answer = self.call("GET", f"{_path(dag_id, run_id)}/taskInstances")
        return sorted(answer["task_instances"], key=lambda task: str(task["start_date"] or "~"))

    def results(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The results of the run's commands in one dictionary; later tasks override earlier ones."""
        merged: dict[str, Any] = {}
        for task in self.tasks(dag_id, run_id):
            path = f"{_path(dag_id, run_id)}/taskInstances/{task['task_id']}/xcomEntries"
            if any(entry["key"] == "return_value" for entry in self.call("GET", path)["xcom_entries"]):
                value = self.call("GET", f"{path}/return_value")["value"]
                value = json.loads(value) if isinstance(value, str) else value
                merged.update(value if isinstance(value, dict) else {})
        return merged

    def why(self, dag_id: str, run_id: str, state: str = "failed") -> str:
        """The last output of the command of each task that ended in this state."""
        told = []
        for task in self.tasks(dag_id, run_id):
            if task["state"] == state:
                path = f"{_path(dag_id, run_id)}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
                events = [str(line.get("event", line)) for line in self.call("GET", path)["content"]]
                if "Output:" in events:
                    events = events[len(events) - events[::-1].index("Output:") :]
                shown = [event for event in events if not event.startswith("::")][-12:]
                told.append("\n".join([f"task {task['task_id']}:", *shown]))
        return "\n".join(told) or f"see {self.url}/dags/{dag_id}/runs/{quote(run_id)}"


def _path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
