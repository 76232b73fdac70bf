"""Weekly: build the churn features of one snapshot date.

All rows of the snapshot in `features.churn_weekly_features` are replaced, labels that are known by now are filled in,
and the contract `expectations/churn_weekly_features.yml` is checked before anything is committed.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, PipelineCommand

with DAG(
    dag_id="churn_feature_build_w",
    schedule=CronTriggerTimetable("0 0 * * 0", timezone="UTC"),
    params=SNAPSHOT_DATE_PARAM,
    tags=["churn", "features"],
    doc_md=__doc__,
    **{**DAG_DEFAULTS, "max_active_runs": 2},  # of different dates: their writers take turns
):
    PipelineCommand(
        task_id="build_features",
        module="ml.features",
        arguments=["--snapshot-date", SNAPSHOT_DATE],
    )
