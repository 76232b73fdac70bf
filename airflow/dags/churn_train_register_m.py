"""Monthly: train `churn-logreg` on the newest closed Sundays, register it, and promote it if it is no worse.

Missing snapshots are built first. If a version with the same data, code and parameters exists, it is used. The decision
about production is recorded in `ops.model_promotions`; see docs/model.md.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, Param, PipelineCommand

TRAINING_PARAMS = {
    "lookback_weeks": Param(8, type="integer", minimum=1, maximum=52, description="Closed Sundays to train on."),
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date",
        description="Use only labels that were known on this date (YYYY-MM-DD). Empty: all that are known now.",
    ),
}

with DAG(
    dag_id="churn_train_register_m",
    schedule=CronTriggerTimetable("0 3 1 * *", timezone="UTC"),
    params={**SNAPSHOT_DATE_PARAM, **TRAINING_PARAMS},
    tags=["churn", "training"],
    doc_md=__doc__,
    **DAG_DEFAULTS,
):
    train = PipelineCommand(
        task_id="train_and_register",
        module="ml.train",
        arguments=[
            "--snapshot-date",
            SNAPSHOT_DATE,
            "--lookback-weeks",
            "{{ params.lookback_weeks }}",
            "{{ '--as-of=' ~ params.as_of if params.as_of else '' }}",
        ],
    )
    promote = PipelineCommand(
        task_id="promote",
        module="ml.promote",
        arguments=["--version", "{{ ti.xcom_pull(task_ids='train_and_register')['model_version'] }}"],
    )
    train >> promote
