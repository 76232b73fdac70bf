"""Announces failed DAG runs and alerts of monitoring: a line in the log and, if `ALERT_WEBHOOK_URL` is set, a message.

Slack, Teams and Mattermost show the message's `text`. If the webhook fails or is slow, a warning is logged.
"""

import logging
import os
from typing import Any

import requests

TIMEOUT_S = 10
log = logging.getLogger(__name__)


def announce_failure(context: Any) -> None:
    """The `on_failure_callback` of every DAG: Airflow's DAG processor calls it once for a run that has failed."""
    _announce(_describe(context))


def announce_alerts(monitored: dict[str, Any], dag: Any, run_id: str) -> None:
    """Announce the alerts in the result of `ml.monitor`, all in one message; nothing if there are none."""
    alerts = monitored["alerts"]
    if not alerts:
        return
    told = "; ".join("{check} of {subject}: {detail}. What to do: {what_to_do}".format(**alert) for alert in alerts)
    snapshot_date, count = monitored["snapshot_date"], f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''}"
    _announce(
        {
            "text": f"{count} at snapshot {snapshot_date}: {told}",
            "dag_id": dag.dag_id,
            "run_id": run_id,
            "snapshot_date": snapshot_date,
            "alerts": alerts,
        }
    )


def _announce(message: dict[str, Any]) -> None:
    log.error(message["text"])
    url = os.environ.get("ALERT_WEBHOOK_URL")
    if not url:
        return
    try:
        with requests.post(url, json=message, timeout=TIMEOUT_S, stream=True) as answer:  # its body is not read
            if not answer.ok:
                log.warning("ALERT_WEBHOOK_URL: the webhook answered with status %s", answer.status_code)
    except requests.RequestException as error:  # not its text: it has the URL, a secret
        log.warning("ALERT_WEBHOOK_URL: the message was not sent: %s", type(error).__name__)


def _describe(context: Any) -> dict[str, Any]:
    """The message. Airflow 3 passes the task that failed last; Airflow 2 any task of the run, and the run itself."""
    run, task = context.get("dag_run"), context.get("ti")
    failed = [task] if task else []
    if hasattr(run, "get_task_instances"):
        failed = run.get_task_instances(state="failed")
    message = {
        "dag_id": context["dag"].dag_id,
        "run_id": context["run_id"],
        "snapshot_date": _snapshot_date(context["params"], run) if run else None,
        "failed_tasks": [one.task_id for one in failed],
        "log_url": failed[0].log_url if failed else None,
    }
    tasks = ", ".join(message["failed_tasks"]) or "unknown"
    text = "DAG {dag_id} failed for {snapshot_date}: run {run_id}, task {tasks}, log {log_url}"
    return {"text": text.format(tasks=tasks, **message), **message}


def _snapshot_date(params: Any, run: Any) -> str:
    """The same date as dag_tasks.SNAPSHOT_DATE."""
    return params["snapshot_date"] or f"{run.logical_date or run.run_after:%Y-%m-%d}"
