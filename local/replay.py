"""Replays history through the DAGs of the running Airflow: features, crypto events, training, scoring."""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from local import databases
from local.airflow_api import AirflowApi
from local.config import Config
from local.console import Failure, say, step

FEATURES, TRAINING = "churn_feature_build_w", "churn_train_register_m"
SCORING, CRYPTO = "churn_batch_score_w", "etl_crypto_events_d"
WEEKS = 8
CRYPTO_DAYS = 3
BEFORE_FIRST_SNAPSHOT = timedelta(days=90)
RUN_S = 3600
SHOWN = {
    FEATURES: ("rows", "active", "inactive_60d"),
    CRYPTO: ("rows_in", "rows_inserted", "rows_updated", "rows_unchanged", "rows_deactivated", "rows_rejected"),
    TRAINING: ("model_version", "production_version", "reason"),
    SCORING: ("scored", "predicted_churn", "excluded_already_churned", "model_version"),
}
CURRENT_DATA = """
select json_build_object(
    'first_payment_date', first_payment_date,
    'extraction_month', extraction_month,
    'data_complete_through', data_complete_through,
    'crypto_rows', (select count(*) from raw.bt_crypto_transaction_history)
)
from ops.current_data
"""


@dataclass(frozen=True)
class Plan:
    """Dates to replay; `snapshots` are Sundays, the last of them is scored."""

    snapshots: list[date]
    training: date
    crypto: list[date]


def plan(first_payment_date: date, extraction_month: date, data_complete_through: date, *, has_crypto: bool) -> Plan:
    """The newest eight Sundays up to the end of the extraction month, on which the model is trained.

    The extraction month is the last that the monthly files know in full.

    Raises:
        Failure: the data cover no Sunday; names the range.
    """
    training = (extraction_month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    first, last = first_payment_date + BEFORE_FIRST_SNAPSHOT, data_complete_through + timedelta(days=1)
    newest = min(training, last)
    sunday = newest - timedelta(days=(newest.weekday() + 1) % 7)
    sundays = [sunday - timedelta(weeks=back) for back in range(WEEKS)]
    snapshots = sorted(day for day in sundays if day >= first)
    if not snapshots:
        raise Failure(
            f"the payments cover snapshots from {first} to {last}, and no Sunday up to {newest} is among them"
        )
    crypto = [snapshots[-1] - timedelta(days=back) for back in range(CRYPTO_DAYS)] if has_crypto else []
    return Plan(snapshots, newest, sorted(crypto))


def replay(config: Config) -> Plan:
    """Run the plan for the data that are loaded, a line for each run, and return it."""
    current = json.loads(databases.cluster(config).psql(config["POSTGRES_DB"], "-Atc", CURRENT_DATA))
    if current["first_payment_date"] is None or current["extraction_month"] is None:
        raise Failure("no payments are loaded; see ops.raw_loads for why: make psql")
    days = {name: date.fromisoformat(current[name]) for name in current if name != "crypto_rows"}
    chosen = plan(**days, has_crypto=current["crypto_rows"] > 0)
    api = AirflowApi(config.airflow_url, config["AIRFLOW_ADMIN_USER"], config["AIRFLOW_ADMIN_PASSWORD"])
    with step("Airflow: DAGs known"):
        api.wait_for_dags([FEATURES, TRAINING, SCORING, CRYPTO])
    say(f"Replaying through {config.airflow_url}:")
    steps = [(FEATURES, chosen.snapshots), (CRYPTO, chosen.crypto), (TRAINING, [chosen.training])]
    steps.append((SCORING, chosen.snapshots[-1:]))
    total, number = sum(len(dates) for _, dates in steps), 0
    for dag_id, dates in steps:
        runs = [(day, api.run(dag_id, day)) for day in dates]  # queued together: Airflow works through them
        for day, run_id in runs:
            number += 1
            with step(f"  {number:>2}/{total} {dag_id:<24} {day}") as remarks:
                api.wait_for_run(dag_id, run_id, seconds=RUN_S)
                remarks.append(_outcome(dag_id, api, run_id))
    return chosen


def _outcome(dag_id: str, api: AirflowApi, run_id: str) -> str:
    """A few words on what the run did, from what its commands reported; a skipped run reports nothing."""
    result: dict[str, Any] = api.results(dag_id, run_id)
    if not result:
        return "skipped: " + api.why(dag_id, run_id, state="skipped")
    told = [(name, result[name]) for name in SHOWN[dag_id] if result.get(name)]
    return ", ".join(f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}" for name, value in told)
