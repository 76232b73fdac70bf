"""Airflow as people and programs use it: triggers with a date, the scheduler's own runs, logs, logins, a backfill."""

import time

from tests.stack.harness import AirflowApi, Stack, http, wait_for

FEATURES = "churn_feature_build_w"


def test_dags_are_there_without_import_errors(api: AirflowApi) -> None:
    wait_for("five DAGs", lambda: api.call("dags")["total_entries"] == 5, 90)
    assert api.call("importErrors")["total_entries"] == 0
    assert [dag["dag_id"] for dag in api.call("dags")["dags"] if dag["is_paused"]] == []


def test_trigger_with_a_date_in_its_form(trained: Stack, api: AirflowApi) -> None:
    run_id = f"form-{time.time_ns()}"
    api.trigger(FEATURES, run_id, "2019-06-02", snapshot_date="2019-05-19")
    assert api.wait_for_run(FEATURES, run_id) == "success"
    rows = trained.rows("select count(*) > 0 from features.churn_weekly_features where snapshot_date = '2019-05-19'")
    assert rows == [(True,)]
    text = api.log(FEATURES, run_id, api.tasks(FEATURES, run_id)[0]["task_id"])
    assert "2019-05-19" in text
    assert "same 'secret_key'" not in text, "what stands in the log if its server refuses the web server"


def test_scheduler_starts_a_due_run_by_itself_and_skips_it_with_the_reason(stack: Stack, api: AirflowApi) -> None:
    def scheduled() -> list[dict[str, str]]:
        runs = api.call(f"dags/{FEATURES}/dagRuns?run_type=scheduled")["dag_runs"]
        return [run for run in runs if run["state"] in ("success", "failed")]

    run = wait_for("a scheduled run", scheduled, 180, 2)[0]
    task = api.tasks(FEATURES, run["dag_run_id"])[0]
    assert task["state"] == "skipped"
    assert "2019-" in api.log(FEATURES, run["dag_run_id"], task["task_id"])


def test_backfill(trained: Stack, api: AirflowApi) -> None:
    trained.airflow(
        "backfill", "create", "--dag-id", FEATURES, "--from-date", "2019-05-05", "--to-date", "2019-05-12",
        "--reprocess-behavior", "completed",
    )  # fmt: skip
    query = (
        "select count(distinct snapshot_date) from features.churn_weekly_features"
        " where snapshot_date in ('2019-05-05', '2019-05-12')"
    )
    wait_for("both Sundays", lambda: trained.rows(query) == [(2,)], 240, 2)


def test_wrong_password_and_no_login_get_nothing(stack: Stack, api: AirflowApi) -> None:
    assert api.login("wrong")[0] == 401
    assert http(f"{stack.url('airflow')}/api/v2/dags")[0] == 401


def test_keys_outlive_the_containers(stack: Stack, api: AirflowApi) -> None:
    stack.airflow("connections", "delete", "kept", check=False)
    stack.airflow("connections", "add", "kept", "--conn-uri", "postgres://u:secret@h:1/d")
    stack.compose("up", "-d", "--wait", "--force-recreate", "airflow-webserver")
    assert "secret" in stack.airflow("connections", "get", "kept", "-o", "json").stdout
