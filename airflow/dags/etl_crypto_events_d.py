"""Daily: bring the crypto events up to the raw history.

`stage` reads the raw rows of the window [date - 5 days, date], converts and checks each, and resolves duplicates and
corrections. After missed days the window also covers theirs; it is the whole history if no event is loaded yet or with
`full_refresh`. `check` checks the contract `expectations/bt_crypto_events.yml` on the staged rows. `publish` inserts,
updates and deactivates events in one transaction, and writes only rows that change.

Rejected rows are in `ops.crypto_rejects` with their reasons; each attempt and its counts are in `ops.crypto_runs`.
Corrections of purchases older than the window are counted as late and read with `full_refresh`. A window without
rows, or one that would deactivate more events than `CRYPTO_MAX_DEACTIVATED_SHARE` allows, stops the run unless `force`
is set. Dates may be run in any order: each day shows what the last run whose window includes it has found.
"""

from airflow.timetables.trigger import CronTriggerTimetable
from dag_tasks import DAG, DAG_DEFAULTS, SNAPSHOT_DATE, SNAPSHOT_DATE_PARAM, Param, PipelineCommand

with DAG(
    dag_id="etl_crypto_events_d",
    schedule=CronTriggerTimetable("0 0 * * *", timezone="UTC"),
    params={
        **SNAPSHOT_DATE_PARAM,
        "full_refresh": Param(False, type="boolean", description="Read all history up to the date."),
        "force": Param(False, type="boolean", description="Allow an empty window and many deactivations."),
    },
    tags=["crypto", "etl"],
    doc_md=__doc__,
    **DAG_DEFAULTS,
):
    stage = PipelineCommand(
        task_id="stage",
        module="ml.crypto_events",
        arguments=[
            "stage",
            "--snapshot-date",
            SNAPSHOT_DATE,
            "{{ '--full-refresh' if params.full_refresh else '' }}",
            "{{ '--force' if params.force else '' }}",
        ],
    )
    check = PipelineCommand(
        task_id="check",
        module="ml.crypto_events",
        arguments=["check", "--snapshot-date", SNAPSHOT_DATE],
    )
    publish = PipelineCommand(
        task_id="publish",
        module="ml.crypto_events",
        arguments=["publish", "--snapshot-date", SNAPSHOT_DATE],
    )
    stage >> check >> publish
