"""Airflow's LocalExecutor, whose end does not wait for ever."""

from airflow.executors import local_executor


class LocalExecutor(local_executor.LocalExecutor):
    """Tells every worker to end.

    The original asks each worker whether it is alive and tells as many as say so. One that was told and has ended by
    then does not count, a living one is not told, and the scheduler waits for it for ever: one that lost its database
    then stands still instead of being started anew.
    """

    def end(self) -> None:
        """End the workers and wait for them."""
        for _ in self.workers:
            self.activity_queue.put(None)
        super().end()
