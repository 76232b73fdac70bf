"""Monthly: train `churn-logreg` on the newest weekly snapshots, register it, and promote it if it is no worse.

Missing snapshots are built first. If a version with the same data, code and parameters exists, it is used. The decision
about production is recorded in `ops.model_promotions`; see docs/model.md.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, Param, PipelineCommand

LOOKBACK_WEEKS_PARAM = {
    "lookback_weeks": Param(8, type="integer", minimum=1, maximum=52, description="Weekly snapshots to train on.")
}

with DAG(
    dag_id="churn_train_register_m",
    schedule=CronTriggerTimetable("0 3 1 * *", timezone="UTC"),
    params={**SNAPSHOT_DATE_PARAM, **LOOKBACK_WEEKS_PARAM},
    tags=["churn", "training"],
    doc_md=__doc__,
    **DAG_DEFAULTS,
):
    train = PipelineCommand(
        task_id="train_and_register",
        module="ml.train",
        arguments=["--snapshot-date", SNAPSHOT_DATE, "--lookback-weeks", "{{ params.lookback_weeks }}"],
    )
    promote = PipelineCommand(
        task_id="promote",
        module="ml.promote",
        arguments=["--version", "{{ ti.xcom_pull(task_ids='train_and_register')['model_version'] }}"],
    )
    train >> promote
