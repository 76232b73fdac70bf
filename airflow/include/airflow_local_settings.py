"""Airflow's cluster policy: the scheduler leaves the runs of `airflow dags test` to the command that makes them.

Such a run is in the database like any other, so that a running scheduler would start its tasks a second time, and the
command would fail with `Task instance … is already running`. In a pool without slots the scheduler starts nothing; the
command does not ask the pool.
"""

from airflow import __version__

TEST_POOL = "dags_test"

if int(__version__.split(".")[0]) >= 3:  # Airflow 2 does not mark the runs of a test

    def task_instance_mutation_hook(task_instance, dag_run):
        """Put a task of a test's run into the pool without slots."""
        run = dag_run or vars(task_instance).get("dag_run")  # as loaded: a hook may not ask the database
        if run is not None and run.triggered_by is not None and run.triggered_by.value == "test":
            task_instance.pool = TEST_POOL
