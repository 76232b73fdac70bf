"""Weekly: look at what scores came to, at drift, data and runs of one snapshot, and announce alerts.

Findings about the snapshot in `ops.monitoring` are replaced, and a report goes to MLflow. A scheduled run waits up to
an hour for the scores of its date, without holding a worker slot, and goes on without them: that they are missing is a
finding. Alerts are announced in the log and to the webhook. If an alert that training can cure was there a week before
too, a run of `churn_train_register_m` is asked for, with what was known on the date. See docs/monitoring.md.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from alerts import announce_alerts
from dag_tasks import (
    DAG,
    DAG_DEFAULTS,
    SNAPSHOT_DATE,
    SNAPSHOT_DATE_PARAM,
    PipelineCommand,
    PipelineSensor,
    PythonOperator,
    TrainingRequest,
)

with DAG(
    dag_id="churn_monitor_w",
    schedule=CronTriggerTimetable("0 0 * * 0", timezone="UTC"),
    params=SNAPSHOT_DATE_PARAM,
    tags=["churn", "monitoring"],
    doc_md=__doc__,
    **{**DAG_DEFAULTS, "max_active_runs": 2},  # of different dates: their writers take turns
):
    wait_for_scores = PipelineSensor(
        task_id="wait_for_scores",
        module="ml.monitor",
        arguments=["--ready", "--snapshot-date", SNAPSHOT_DATE],
    )
    monitor = PipelineCommand(
        task_id="monitor",
        module="ml.monitor",
        arguments=["--snapshot-date", SNAPSHOT_DATE],
        trigger_rule="all_done",
    )
    announce = PythonOperator(
        task_id="announce", python_callable=announce_alerts, op_kwargs={"monitored": monitor.output}
    )
    ask_for_training = TrainingRequest(
        task_id="ask_for_training",
        trigger_dag_id="churn_train_register_m",
        trigger_run_id=f"monitoring__{SNAPSHOT_DATE}",
        conf={"snapshot_date": SNAPSHOT_DATE, "as_of": SNAPSHOT_DATE},
    )
    wait_for_scores >> monitor >> [announce, ask_for_training]
