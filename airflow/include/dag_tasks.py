"""Shared by the DAG files: the tasks that run a pipeline command, their defaults and the parameters of a run."""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.exceptions import DagRunAlreadyExists
from alerts import announce_failure

try:  # Airflow 3
    from airflow.providers.standard.hooks.subprocess import SubprocessHook
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
    from airflow.sdk import DAG, BaseOperator, BaseSensorOperator, Param
    from airflow.sdk.exceptions import (
        AirflowException,
        AirflowFailException,
        AirflowSensorTimeout,
        AirflowSkipException,
    )
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.exceptions import AirflowException, AirflowFailException, AirflowSensorTimeout, AirflowSkipException
    from airflow.hooks.subprocess import SubprocessHook
    from airflow.models.baseoperator import BaseOperator
    from airflow.models.param import Param
    from airflow.operators.python import PythonOperator
    from airflow.operators.trigger_dagrun import TriggerDagRunOperator
    from airflow.sensors.base import BaseSensorOperator

__all__ = [
    "DAG", "DAG_DEFAULTS", "SNAPSHOT_DATE", "SNAPSHOT_DATE_PARAM", "Param", "PipelineCommand", "PipelineSensor",
    "PythonOperator", "TrainingRequest",
]  # fmt: skip

SKIP_EXIT_CODE = 99
TRY_LATER_EXIT_CODE = 75
FAILED_FOR_GOOD = (1, 2)  # the command says what to do, or its arguments are wrong: a retry would fail the same way

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": datetime(2019, 1, 1, tzinfo=UTC),
    "catchup": False,
    "max_active_runs": 1,
    "is_paused_upon_creation": False,
    "on_failure_callback": announce_failure,
    "default_args": {
        "owner": "data-platform",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "execution_timeout": timedelta(hours=2),
    },
}

SNAPSHOT_DATE_PARAM = {
    "snapshot_date": Param(
        None,
        type=["null", "string"],
        format="date",
        description="Date to run for (YYYY-MM-DD). Empty: the run's logical date.",
    )
}

SNAPSHOT_DATE = "{{ params.snapshot_date or ((logical_date or dag_run.run_after) | ds) }}"


class TryLater(AirflowException):
    """The command ended with exit code 75: the same command may succeed later."""


class PipelineCommand(BaseOperator):
    """Run `$ML_PYTHON -m <module> <arguments>` in `$ML_HOME`; its last line, a JSON object, becomes the XCom.

    Exit code 99 skips the task, 1 and 2 fail it without a retry, any other is retried.
    """

    template_fields = ("arguments", "environment")

    def __init__(self, *, module: str, arguments: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = module
        self.arguments = arguments
        self.environment = {"PIPELINE_RUN_ID": "{{ run_id }}", "PIPELINE_RUN_TYPE": "{{ dag_run.run_type }}"}

    def execute(self, context: Any) -> Any:
        """Raise AirflowSkipException, AirflowFailException or AirflowException as the exit code says."""
        self._hook = SubprocessHook()
        done = self._hook.run_command(
            command=[os.environ["ML_PYTHON"], "-m", self.module, *(a for a in self.arguments if a)],
            env={**os.environ, **self.environment},
            cwd=os.environ["ML_HOME"],
        )
        if done.exit_code == SKIP_EXIT_CODE:
            raise AirflowSkipException(done.output)
        if done.exit_code in FAILED_FOR_GOOD:
            raise AirflowFailException(done.output)
        if done.exit_code == TRY_LATER_EXIT_CODE:
            raise TryLater(done.output)
        if done.exit_code != 0:
            raise AirflowException(f"{self.module} ended with exit code {done.exit_code}: {done.output}")
        return json.loads(done.output)

    def on_kill(self) -> None:
        """End the command when the task is ended."""
        self._hook.send_sigterm()


class PipelineSensor(PipelineCommand, BaseSensorOperator):
    """Run a command every minute for up to an hour, as long as it exits with 75; then the next task can run.

    Between checks the task holds no worker slot. Other exit codes are treated as by PipelineCommand.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs = {"mode": "reschedule", "poke_interval": 60, "timeout": 3600, **kwargs}
        super().__init__(**kwargs)

    def poke(self, context: Any) -> bool:
        """True if the command exits with 0, False if it exits with 75."""
        try:
            super().execute(context)
        except TryLater as missing:
            self._missing = missing
            return False
        return True

    def execute(self, context: Any) -> None:
        """Raise AirflowSensorTimeout with the last message of the command when the time is up."""
        try:
            BaseSensorOperator.execute(self, context)
        except AirflowSensorTimeout as timeout:
            raise AirflowSensorTimeout(f"after {self.timeout / 60:.0f} minutes: {self._missing}") from timeout


class TrainingRequest(TriggerDagRunOperator):
    """Ask for a run of another DAG if the task `monitor` has found alerts that last; otherwise it is skipped.

    With a `trigger_run_id` that follows from the snapshot, a rerun asks no second time.
    """

    def execute(self, context: Any) -> Any:
        """Raise AirflowSkipException if no alert lasts, or the run was asked for before."""
        if not context["ti"].xcom_pull(task_ids="monitor")["lasting_alerts"]:
            raise AirflowSkipException("no alert that training can cure was there a week before too")
        self.skip_when_already_exists = True  # Airflow 3, which asks for the run after this method
        try:
            return super().execute(context)
        except DagRunAlreadyExists as asked:  # Airflow 2.8, which has no such setting
            raise AirflowSkipException(str(asked)) from asked
