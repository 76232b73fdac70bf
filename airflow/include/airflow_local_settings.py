"""Airflow's cluster policy: the scheduler does not run the tasks of `airflow dags test`; that command does.

The run of a test is in the database like any other. A running scheduler would start its tasks a second time, and the
command would fail with `Task instance … is already running`. The tasks are therefore put into a pool without slots:
the scheduler starts nothing in it, and the command ignores pools.
"""

from airflow import __version__

TEST_POOL = "dags_test"

if int(__version__.split(".")[0]) >= 3:  # Airflow 2 does not mark test runs

    def task_instance_mutation_hook(task_instance, dag_run):
        """Put a task of a test run into the pool without slots."""
        run = dag_run or vars(task_instance).get("dag_run")  # as loaded: a hook must not query the database
        if run is not None and run.triggered_by is not None and run.triggered_by.value == "test":
            task_instance.pool = TEST_POOL
