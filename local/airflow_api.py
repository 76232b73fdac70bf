"""A client for the REST API of the running Airflow, as far as the replay and the tests need it."""

from datetime import date
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from local.console import Failure, wait_until

# Waits about a minute for a server that restarts.
PATIENCE = Retry(total=33, backoff_factor=0.5, backoff_max=2, status_forcelist=range(500, 600), allowed_methods=None)


class AirflowApi:
    """Signs in as a user."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for calls to this machine
        self._session.mount("http://", HTTPAdapter(max_retries=PATIENCE))
        token = self._send("POST", "/auth/token", json={"username": user, "password": password})["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """Answer of `/api/v2<path>`, parsed; a `Failure` if the server refuses the call or is gone for a minute."""
        return self._send(method, f"/api/v2{path}", json=body, params=query)

    def _send(self, method: str, path: str, **content: Any) -> Any:
        try:
            answer = self._session.request(method, f"{self.url}{path}", timeout=30, **content)
        except requests.RequestException as error:
            raise Failure(f"Airflow does not answer at {self.url}: {error}") from error
        if not answer.ok:
            raise Failure(f"Airflow answers {method} {path} with {answer.status_code}: {answer.text[:2000]}")
        return answer.json() if answer.content else None

    def wait_for_dags(self, dag_ids: list[str]) -> None:
        """Return when all these DAGs are known; a `Failure` shows the import errors."""

        def missing() -> set[str]:
            return set(dag_ids) - {dag["dag_id"] for dag in self.call("GET", "/dags", limit="100")["dags"]}

        if not wait_until(lambda: not missing(), 120):
            errors = self.call("GET", "/importErrors")["import_errors"]
            said = "\n".join(error["stack_trace"] for error in errors) or "no import error is known"
            raise Failure(f"Airflow does not know {', '.join(sorted(missing()))}: {said}")

    def run(self, dag_id: str, logical_date: date, **params: str) -> str:
        """Start a run for the date with `params` and return its id; a run of an earlier call is ended and repeated."""
        when = f"{logical_date}T00:00:00Z"
        runs = self.call("GET", f"/dags/{dag_id}/dagRuns", logical_date_gte=when, logical_date_lte=when)["dag_runs"]
        if not runs:
            body = {"logical_date": when, "dag_run_id": f"demo__{logical_date}", "conf": params}
            return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])
        run_id: str = runs[0]["dag_run_id"]
        self.end_run(dag_id, run_id)
        self.call("POST", f"{_path(dag_id, run_id)}/clear", {"dry_run": False})
        return run_id

    def end_run(self, dag_id: str, run_id: str) -> None:
        """Mark a queued or running run as failed; Airflow stops its tasks."""
        if not self._has_ended(dag_id, run_id):
            self.call("PATCH", _path(dag_id, run_id), {"state": "failed"})

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float) -> None:
        """Return when the run has succeeded; if it has not, a `Failure` quotes the task that failed."""
        if not wait_until(lambda: self._has_ended(dag_id, run_id), seconds):
            raise Failure(f"{dag_id} {run_id} has not ended after {seconds:.0f} s; see {self.url}/dags/{dag_id}")
        if self.call("GET", _path(dag_id, run_id))["state"] == "failed":
            raise Failure(f"{dag_id} {run_id} failed:\n{self.why(dag_id, run_id)}")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run, in the order in which they started."""
        answer = self.call("GET", f"{_path(dag_id, run_id)}/taskInstances")
        return sorted(answer["task_instances"], key=lambda task: str(task["start_date"] or "~"))

    def results(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The results of the run's commands in one dictionary; later tasks override earlier ones."""
        merged: dict[str, Any] = {}
        tasks = f"{_path(dag_id, run_id)}/taskInstances"
        found = self.call("GET", f"{tasks}/~/xcomEntries", xcom_key="return_value")["xcom_entries"]
        for entry in sorted(found, key=lambda entry: str(entry["timestamp"])):
            value = self.call("GET", f"{tasks}/{entry['task_id']}/xcomEntries/return_value")["value"]
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

    def _has_ended(self, dag_id: str, run_id: str) -> bool:
        return self.call("GET", _path(dag_id, run_id))["state"] in ("success", "failed")


def _path(dag_id: str, run_id: str) -> str:
    return f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
