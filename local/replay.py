"""Replays history through the DAGs of the running Airflow: features, crypto events, training, scoring, monitoring."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any

from local.airflow_api import AirflowApi
from local.config import Config
from local.console import Failure, say, step
from ml.cli import CommandError
from ml.snapshots.coverage import HISTORY_DAYS, CurrentData, current_data, sundays_before
from ml.utils_io import connect

FEATURES, TRAINING = "churn_feature_build_w", "churn_train_register_m"
SCORING, CRYPTO = "churn_batch_score_w", "etl_crypto_events_d"
MONITORING = "churn_monitor_w"
WEEKS, SCORED_WEEKS = 13, 9
CRYPTO_DAYS = 3
RUN_S = 3600
SHOWN = {
    FEATURES: ("rows", "active", "inactive_60d"),
    CRYPTO: ("rows_in", "rows_inserted", "rows_updated", "rows_unchanged", "rows_deactivated", "rows_rejected"),
    TRAINING: ("model_version", "production_version", "reason"),
    SCORING: ("scored", "predicted_churn", "excluded_already_churned", "model_version"),
    MONITORING: ("findings", "worst"),
}
HAS_CRYPTO = "select exists (select from raw.bt_crypto_transaction_history)"


@dataclass(frozen=True)
class Plan:
    """Dates to replay; `snapshots` are Sundays. The training uses the labels that were known on its own date."""

    snapshots: list[date]
    scored: list[date]
    training: date
    crypto: list[date]
    monitored: date


def plan(data: CurrentData, *, has_crypto: bool) -> Plan:
    """The newest thirteen Sundays; the last is the date of the training and is monitored, the last nine are scored.

    If the data cover no Sunday, a `Failure` names the range.
    """
    first = data.first_payment_date + timedelta(days=HISTORY_DAYS)
    last = data.payments_known_through + timedelta(days=1)
    snapshots = sorted(day for day in islice(sundays_before(last), WEEKS) if day >= first)
    if not snapshots:
        raise Failure(f"the payments cover snapshots from {first} to {last}, and no Sunday is among them")
    crypto = [snapshots[-1] - timedelta(days=back) for back in range(CRYPTO_DAYS)] if has_crypto else []
    return Plan(snapshots, snapshots[-SCORED_WEEKS:], snapshots[-1], sorted(crypto), snapshots[-1])


def replay(config: Config) -> Plan:
    """Run the plan for the loaded data, print a line for each run, and return the plan."""
    try:
        with connect(application_name="demo") as conn:
            has_crypto = conn.execute(HAS_CRYPTO).fetchone() == (True,)
            chosen = plan(current_data(conn), has_crypto=has_crypto)
    except CommandError as error:
        raise Failure(f"{error}; see ops.raw_loads for why they are not: make psql") from error
    api = AirflowApi(config.url("AIRFLOW_PORT"), config["AIRFLOW_ADMIN_USER"], config["AIRFLOW_ADMIN_PASSWORD"])
    with step("Airflow: DAGs known"):
        api.wait_for_dags([FEATURES, TRAINING, SCORING, CRYPTO, MONITORING])
    say(f"Replaying through {config.url('AIRFLOW_PORT')}:")
    stages = [  # the runs of a stage are queued at once, and Airflow works through them
        [(FEATURES, day) for day in chosen.snapshots],
        [*((CRYPTO, day) for day in chosen.crypto), (TRAINING, chosen.training)],
        [(SCORING, day) for day in chosen.scored],
        [(MONITORING, chosen.monitored)],
    ]
    params = {TRAINING: {"as_of": str(chosen.training)}}
    total, number = sum(map(len, stages)), 0
    for stage in stages:
        started: list[tuple[str, date, str]] = []
        try:
            for dag_id, day in stage:
                started.append((dag_id, day, api.run(dag_id, day, **params.get(dag_id, {}))))
            for dag_id, day, run_id in started:
                number += 1
                with step(f"  {number:>2}/{total} {dag_id:<24} {day}") as remarks:
                    api.wait_for_run(dag_id, run_id, seconds=RUN_S)
                    remarks.append(_outcome(dag_id, api, run_id))
        except BaseException:  # an interruption too: nobody would wait for the runs already queued
            for dag_id, _, run_id in started:
                api.end_run(dag_id, run_id)
            raise
    return chosen


def _outcome(dag_id: str, api: AirflowApi, run_id: str) -> str:
    """A short summary of the run from the results of its commands; a skipped run has none."""
    result: dict[str, Any] = api.results(dag_id, run_id)
    if not result:
        return "skipped: " + api.why(dag_id, run_id, state="skipped")
    told = [(name, result[name]) for name in SHOWN[dag_id] if result.get(name)]
    return ", ".join(f"{name} {_shown(value)}" for name, value in told)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_shown(count)} {name}" for name, count in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)
