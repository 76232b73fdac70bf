"""Airflow's LocalExecutor with an `end` that returns."""

from airflow.executors import local_executor


class LocalExecutor(local_executor.LocalExecutor):
    """Tells every worker to end.

    The original puts one end message for each living worker into their queue, while they are ending. If one has ended
    by then, another gets no message, and the scheduler waits for it for ever: a scheduler that lost its database hangs
    instead of being restarted.
    """

    def end(self) -> None:
        """End the workers and wait for them."""
        for _ in self.workers:
            self.activity_queue.put(None)
        super().end()
