"""A client of the running Airflow's REST API: what the replay and the tests need of it."""

import json
import time
import urllib.error
import urllib.request
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from local.console import Failure

ENDED = ("success", "failed")
ATTEMPT_S = 60  # how long a server that restarts is waited for


class AirflowApi:
    """Signed in as a user; a new token is fetched when the server no longer takes the old one."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._credentials = {"username": user, "password": password}
        self._token = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> Any:
        """Answer of `/api/v2<path>`, parsed.

        Raises:
            Failure: the server refuses the call, with its words, or does not answer for a minute.
        """
        address = f"{self.url}/api/v2{path}" + (f"?{urlencode(query)}" if query else "")
        deadline = time.monotonic() + ATTEMPT_S
        while True:
            try:
                if not self._token:
                    self._token = self._send("POST", f"{self.url}/auth/token", self._credentials)["access_token"]
                return self._send(method, address, body)
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace")[:2000]
                if error.code == 401 and self._token:
                    self._token = ""
                elif error.code < 500 or time.monotonic() > deadline:
                    raise Failure(f"Airflow answers {method} {path} with {error.code}: {said}") from error
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Failure(f"Airflow does not answer at {self.url}: {error}") from error
            time.sleep(0.5)

    def health(self) -> dict[str, str]:
        """Status by component."""
        answer = self.call("GET", "/monitor/health")
        return {component: said.get("status") or "absent" for component, said in answer.items()}

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
        """Start a run for the date, once more if there is one, and return its id; one under way is left to go on."""
        when = f"{logical_date}T00:00:00Z"
        runs = self.call("GET", f"/dags/{dag_id}/dagRuns", logical_date_gte=when, logical_date_lte=when)["dag_runs"]
        if not runs:
            body = {"logical_date": when, "dag_run_id": f"demo__{logical_date}"}
            return str(self.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"])
        run_id: str = runs[0]["dag_run_id"]
        if runs[0]["state"] in ENDED:
            self.call("POST", f"/dags/{dag_id}/dagRuns/{quote(run_id)}/clear", {"dry_run": False})
        return run_id

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float) -> dict[str, Any]:
        """Wait until the run has ended well and return it.

        Raises:
            Failure: it failed, with the last lines of the log of the task that did, or it takes too long.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            run: dict[str, Any] = self.call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}")
            if run["state"] == "success":
                return run
            if run["state"] == "failed":
                raise Failure(f"{dag_id} {run_id} failed:\n{self.why(dag_id, run_id)}")
            time.sleep(0.5)
        raise Failure(f"{dag_id} {run_id} has not ended after {seconds:.0f} s; see {self.url}/dags/{dag_id}")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Task instances of a run, in the order in which they started."""
        answer = self.call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances")
        return sorted(answer["task_instances"], key=lambda task: str(task["start_date"] or "~"))

    def results(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """What the run's commands reported, later tasks over earlier ones."""
        merged: dict[str, Any] = {}
        for task in self.tasks(dag_id, run_id):
            path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task['task_id']}/xcomEntries"
            if any(entry["key"] == "return_value" for entry in self.call("GET", path)["xcom_entries"]):
                value = self.call("GET", f"{path}/return_value")["value"]
                value = json.loads(value) if isinstance(value, str) else value
                merged.update(value if isinstance(value, dict) else {})
        return merged

    def why(self, dag_id: str, run_id: str, state: str = "failed") -> str:
        """What the command of each task that ended in this state printed last."""
        told = []
        for task in self.tasks(dag_id, run_id):
            if task["state"] == state:
                path = (
                    f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
                )
                events = [str(line.get("event", line)) for line in self.call("GET", path)["content"]]
                if "Output:" in events:
                    events = events[len(events) - events[::-1].index("Output:") :]
                shown = [event for event in events if not event.startswith("::")][-12:]
                told.append("\n".join([f"task {task['task_id']}:", *shown]))
        return "\n".join(told) or f"see {self.url}/dags/{dag_id}/runs/{quote(run_id)}"

    def _send(self, method: str, address: str, body: dict[str, Any] | None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")
