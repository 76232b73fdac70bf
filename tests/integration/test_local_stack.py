"""The local stack in a copy of the checkout: the demo, its runs in Airflow, and what a kill of everything does."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import config, processes, replay
from local.airflow_api import AirflowApi
from local.postgres import wheel_bin_dir
from tests.integration.conftest import ROOT, free_port

LEFT_OUT = shutil.ignore_patterns(".local", ".git", "__pycache__", ".*_cache")
TABLES = """
select json_build_object(
    'features', (
        select md5(string_agg(f::text, '|' order by f.snapshot_date, f.customer_id))
        from features.churn_weekly_features as f
    ),
    'scores', (
        select md5(string_agg(concat_ws(',', customer_id, score, prediction, model_version), '|' order by customer_id))
        from ops.churn_scoring
    ),
    'events', (
        select md5(string_agg(e, '|' order by e))
        from (
            select concat_ws(
                ',', site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units, is_active
            ) as e
            from ops.bt_crypto_events
        ) as events
    )
)
"""
BACK_S = 120  # a task whose process or scheduler was killed is at work again by then


@dataclass
class Stack:
    """A copy of the checkout with its own ports."""

    folder: Path
    settings: config.Config
    demo: str = ""
    refused: str = ""
    unfinished: tuple[str, ...] = ()

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make there."""
        return subprocess.run(
            ["make", "-s", *arguments], cwd=self.folder,
            env={**os.environ, "HOME": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip

    @property
    def home(self) -> Path:
        """The home folder of who runs make."""
        return self.folder.parent / "home"

    def done(self, *arguments: str) -> str:
        """Run make there, which must succeed, and return what it printed."""
        made = self.make(*arguments)
        assert made.returncode == 0, f"{made.stdout}\n{made.stderr}"
        return made.stdout

    def ask(self, query: str) -> str:
        """Result of a query, without decoration."""
        (self.folder / "query.sql").write_text(query)
        return self.done("psql", "ARGS=-Atf query.sql").strip()

    @property
    def tables(self) -> dict[str, str]:
        """Digest of the rows that the DAGs have written, run ids and times left out."""
        return json.loads(self.ask(TABLES))

    @property
    def api(self) -> AirflowApi:
        """Its Airflow."""
        return AirflowApi(self.settings.url("AIRFLOW_PORT"), "admin", self.settings["AIRFLOW_ADMIN_PASSWORD"])

    def runs(self, dag_id: str, run_type: str) -> list[dict[str, Any]]:
        """Runs of a DAG that were started this way."""
        return self.api.call("GET", f"/dags/{dag_id}/dagRuns", run_type=run_type, limit="100")["dag_runs"]

    def trigger(self, dag_id: str, snapshot_date: str) -> str:
        """Start a run as the trigger form does, with a date in it."""
        body = {"logical_date": None, "conf": {"snapshot_date": snapshot_date}}
        return self.api.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]

    def pids(self) -> list[int]:
        """All its processes, the supervisor too."""
        found = processes.marked(f"{self.folder}/.local/run/")
        return [process.pid for process in [*found, *processes.at_work_in(self.folder / ".local/postgres/data")]]

    def shown(self) -> dict[str, list[str]]:
        """Columns of `make local-ps` by service, the name left out."""
        rows = [line.split() for line in self.done("local-ps").splitlines()[1:-1]]
        return {row[0]: row[1:] for row in rows}

    def all_run(self) -> bool:
        """Whether every service runs and answers."""
        return all(row[0] == "running" for row in self.shown().values())


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """The stack after a `make demo` that a wrong setting stopped, and one with the right setting."""
    folder = tmp_path_factory.mktemp("stack") / "a checkout ñ"
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    (folder / ".local").mkdir()
    (folder.parent / "home").mkdir()
    for shared in ("venv", "uv", "cache"):
        (ROOT / ".local" / shared).mkdir(parents=True, exist_ok=True)
        (folder / ".local" / shared).symlink_to(ROOT / ".local" / shared)
    changed = {variable: str(free_port()) for variable in config.DEFAULT_PORTS}
    changed |= {variable: f"'{variable[:4]}@ %:/$# x'" for variable in config.PASSWORDS}
    changed["EVALUATE_CHURN_MEANS"] = "came_back"
    with (folder / ".env").open("a") as env:
        env.writelines(f"{variable}={value}\n" for variable, value in changed.items())
    stack = Stack(folder, config.load(folder, folder / ".local"))
    try:
        stack.refused = stack.make("demo").stderr
        stack.unfinished = tuple(
            run["dag_run_id"] for run in stack.runs(replay.FEATURES, "manual") if run["state"] in ("queued", "running")
        )
        with (folder / ".env").open("a") as env:
            env.write("EVALUATE_CHURN_MEANS=stayed_away\n")
        stack.demo = stack.done("demo")
        yield stack
    finally:
        stack.make("local-down")


def test_nothing_is_written_into_the_home_folder(stack):
    assert list(stack.home.iterdir()) == []


def test_modules_are_compiled_once_whatever_the_user_has_set(stack):
    assert list((stack.folder / "ml").rglob("*.pyc"))


def wait_for(condition: Callable[[], Any], seconds: float) -> Any:
    """Poll until the condition gives something, and return it."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.2)
    return found


def alive(pids: list[int]) -> list[int]:
    """Those that run, not their unreaped remains."""
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def kill(pids: list[int]) -> None:
    """SIGKILL those that have not ended meanwhile."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_demo_with_a_wrong_setting_says_so_and_leaves_no_run(stack):
    assert "EVALUATE_CHURN_MEANS" in stack.refused
    assert "EVALUATE_CHURN_MEANS" not in stack.demo  # the demo after it judges its own runs
    assert stack.unfinished == ()


def test_demo_shows_what_it_made(stack):
    for words in (
        "PAYMENTS.csv", " rejected", "2019-06-30", "churn-logreg, version 1 in production",
        "roc_auc", "Most at risk", stack.settings.url("AIRFLOW_PORT"), stack.settings.url("MLFLOW_PORT"),
    ):  # fmt: skip
        assert words in stack.demo


def test_demo_ran_through_airflow(stack):
    ran = {
        dag_id: sorted(run["logical_date"][:10] for run in stack.runs(dag_id, "manual") if run["state"] == "success")
        for dag_id in (replay.FEATURES, replay.TRAINING, replay.SCORING, replay.CRYPTO, replay.MONITORING)
    }
    assert len(ran[replay.FEATURES]) == replay.WEEKS
    assert (ran[replay.FEATURES][0], ran[replay.FEATURES][-1]) == ("2019-04-07", "2019-06-30")
    assert ran[replay.TRAINING] == ["2019-06-30"]
    assert ran[replay.SCORING] == ran[replay.FEATURES][-replay.SCORED_WEEKS :]
    assert len(ran[replay.CRYPTO]) == replay.CRYPTO_DAYS
    assert ran[replay.MONITORING] == ["2019-06-30"]
    assert re.search(r"churn_monitor_w +2019-06-30.* findings \d+ ok, 0 warn, 0 alert", stack.demo)


def test_every_service_is_shown_running(stack):
    assert len(stack.shown()) == 7
    assert stack.all_run()


def test_printed_variables_connect_a_client(stack):
    psql = wheel_bin_dir("ml") / "psql"
    command = f'eval "$(make -s env)"; "{psql}" -Atc "select current_user"; printf %s "$MLFLOW_TRACKING_URI"'
    shown = subprocess.run(["sh", "-c", command], cwd=stack.folder, capture_output=True, text=True)
    assert shown.stdout == f"meli_pipeline\n{stack.settings.url('MLFLOW_PORT')}", shown.stderr


@pytest.mark.parametrize("dag_id", [replay.FEATURES, replay.TRAINING, replay.SCORING, replay.CRYPTO, replay.MONITORING])
def test_scheduled_run_on_the_sample_is_skipped_with_the_reason(stack, dag_id):
    run = wait_for(lambda: [run for run in stack.runs(dag_id, "scheduled") if run["end_date"]], 60)[0]
    assert run["state"] == "success"
    assert {task["state"] for task in stack.api.tasks(dag_id, run["dag_run_id"])} == {"skipped"}
    assert re.search(r"outside the .*range .*to 2019-07-", stack.api.why(dag_id, run["dag_run_id"], state="skipped"))


def test_trigger_with_a_date_in_the_form(stack):
    run_id = stack.trigger(replay.FEATURES, "2019-04-14")
    stack.api.wait_for_run(replay.FEATURES, run_id, seconds=120)
    assert stack.api.results(replay.FEATURES, run_id)["snapshot_date"] == "2019-04-14"


def test_trigger_outside_the_covered_range_fails_and_names_it(stack):
    run_id = stack.trigger(replay.FEATURES, "2019-03-03")
    with pytest.raises(Exception, match=r"2019-04-01.*2019-07-01"):
        stack.api.wait_for_run(replay.FEATURES, run_id, seconds=120)


def test_backfill(stack):
    body = {
        "dag_id": replay.FEATURES, "from_date": "2019-06-02T00:00:00Z", "to_date": "2019-06-09T00:00:00Z",
        "max_active_runs": 1, "run_backwards": False, "dag_run_conf": {}, "reprocess_behavior": "completed",
    }  # fmt: skip
    stack.api.call("POST", "/backfills", body)
    wait_for(lambda: len([r for r in stack.runs(replay.FEATURES, "backfill") if r["state"] == "success"]) == 2, 120)


def test_demo_again_changes_nothing(stack):
    before = stack.tables
    assert "version 1 in production" in stack.done("demo")
    assert stack.tables == before


def test_killed_task_comes_back(stack):
    run_id = stack.api.run(replay.TRAINING, date(2019, 5, 31))
    mark = str(stack.folder / ".local/run/airflow-scheduler.json")

    def at_work() -> list[int]:
        found = psutil.process_iter(["cmdline", "environ"])
        tasks = [process for process in found if "ml.train" in (process.info["cmdline"] or [])]
        return [task.pid for task in tasks if (task.info["environ"] or {}).get(processes.MARK) == mark]

    kill(wait_for(at_work, 60))
    wait_for(at_work, BACK_S)
    stack.api.wait_for_run(replay.TRAINING, run_id, seconds=300)


def test_kill_of_everything_loses_nothing(stack):
    before = stack.tables
    run_id = stack.api.run(replay.TRAINING, date(2019, 5, 31))
    wait_for(lambda: [t for t in stack.api.tasks(replay.TRAINING, run_id) if t["state"] == "running"], 60)
    kill(stack.pids())
    wait_for(lambda: not stack.pids(), 30)
    stack.done("local-up")
    stack.api.wait_for_run(replay.TRAINING, run_id, seconds=BACK_S + 180)
    assert stack.tables == before
    assert stack.ask("select count(distinct model_version) from ops.churn_scoring") == "1"


def test_each_killed_service_comes_back_by_itself_and_answers(stack):
    before = {name: int(row[1]) for name, row in stack.shown().items()}
    kill(list(before.values()))
    wait_for(lambda: not alive(list(before.values())), 30)
    wait_for(stack.all_run, BACK_S)
    assert not [name for name, row in stack.shown().items() if int(row[1]) == before[name]]
    assert stack.ask("select 1") == "1"


def test_down_ends_what_a_killed_supervisor_left(stack):
    pids = stack.pids()
    kill([int((stack.folder / ".local/run/supervisord.pid").read_text())])
    stack.done("local-down")
    assert alive(pids) == stack.pids() == []
    stack.done("local-up")
    assert stack.all_run()


def test_taken_port_is_refused_by_name_and_the_rest_stays_up(stack):
    with socket.socket() as taken, (stack.folder / ".env").open("r+") as env:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, before = taken.getsockname()[1], env.read()
        env.write(f"STREAMLIT_PORT={port}\n")
        env.flush()
        refused = stack.make("local-up")
        env.seek(0)
        env.truncate()
        env.write(before)
    assert refused.returncode != 0
    assert f"port {port} is taken" in refused.stderr
    assert "give STREAMLIT_PORT another one in .env" in refused.stderr
    stack.done("local-up")
    assert "stopped" not in stack.done("local-ps")


def test_scheduled_runs_on_data_up_to_today_succeed(stack):
    stack.done("data", "CUSTOMERS=1000", f"UNTIL={date.today()}")
    assert "PAYMENTS.csv: loaded" in stack.done("seed", "FORCE=1")
    stack.ask("truncate ops.bt_crypto_events")  # the history is another one: none of these events is in it
    for dag_id, rows in ((replay.FEATURES, "rows"), (replay.SCORING, "scored"), (replay.CRYPTO, "rows_inserted")):
        run_id = stack.runs(dag_id, "scheduled")[0]["dag_run_id"]
        stack.api.call("POST", f"/dags/{dag_id}/dagRuns/{run_id}/clear", {"dry_run": False})
        stack.api.wait_for_run(dag_id, run_id, seconds=300)
        assert stack.api.results(dag_id, run_id)[rows] > 0


def test_down_leaves_nothing_behind(stack):
    pids = stack.pids()
    stack.done("local-down")
    assert alive(pids) == stack.pids() == []
    assert stack.done("local-ps").count("stopped") == 7
