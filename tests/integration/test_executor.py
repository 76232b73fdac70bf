"""The scheduler's end: its executor's workers all end."""

import pytest

# Asking a worker whether it is alive takes longer than a worker takes to end.
END = """
import multiprocessing, time
from local_executor import LocalExecutor
alive = multiprocessing.Process.is_alive
def slowly(process):
    time.sleep(0.1)
    return alive(process)
multiprocessing.Process.is_alive = slowly
executor = LocalExecutor(parallelism=8)
executor.start()
workers = list(executor.workers)
executor.end()
print(len(workers), "ended")
"""


@pytest.mark.timeout(120)
def test_every_worker_ends(airflow):
    done = airflow.python("-c", END)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "8 ended" in done.stdout
