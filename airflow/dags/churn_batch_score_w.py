"""Weekly: score the active cohort of one snapshot with the version in production.

The scores of the snapshot in `ops.churn_scoring` are replaced whole. A scheduled run waits for the features of its date
by retrying; a run that a person started fails and says how to build them.
"""

from datetime import timedelta

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, PipelineCommand

with DAG(
    dag_id="churn_batch_score_w",
    schedule=CronTriggerTimetable("0 0 * * 0", timezone="UTC"),
    params=SNAPSHOT_DATE_PARAM,
    tags=["churn", "scoring"],
    doc_md=__doc__,
    **DAG_DEFAULTS,
):
    PipelineCommand(
        task_id="score",
        module="ml.infer_batch",
        arguments=["--snapshot-date", SNAPSHOT_DATE],
        retries=60,
        retry_delay=timedelta(minutes=1),
    )
