"""Weekly: score the active cohort of one snapshot with the version in production.

The scores of the snapshot in `ops.churn_scoring` are replaced in one transaction, and the old ones are kept in
`ops.churn_scoring_history`. A scheduled run waits up to an hour for the features of its date, without holding a worker
slot; a run started by a person fails and says how to build them.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, Param, PipelineCommand, PipelineSensor

with DAG(
    dag_id="churn_batch_score_w",
    schedule=CronTriggerTimetable("0 0 * * 0", timezone="UTC"),
    params={
        **SNAPSHOT_DATE_PARAM,
        "allow_missing": Param(False, type="boolean", description="Score even if features are missing."),
    },
    tags=["churn", "scoring"],
    doc_md=__doc__,
    **{**DAG_DEFAULTS, "max_active_runs": 2},  # of different dates: their writers take turns
):
    wait_for_features = PipelineSensor(
        task_id="wait_for_features",
        module="ml.infer_batch",
        arguments=["--ready", "--snapshot-date", SNAPSHOT_DATE],
    )
    score = PipelineCommand(
        task_id="score",
        module="ml.infer_batch",
        arguments=["--snapshot-date", SNAPSHOT_DATE, "{{ '--allow-missing' if params.allow_missing else '' }}"],
    )
    wait_for_features >> score
