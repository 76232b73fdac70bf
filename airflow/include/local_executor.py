"""Airflow's LocalExecutor with an `end` that cannot hang."""

from airflow.executors import local_executor


class LocalExecutor(local_executor.LocalExecutor):
    """Sends one end message for each worker.

    The original sends one message for each worker that is still alive, while workers are ending. If one of them ends in
    between, another gets no message and the scheduler waits for it forever. A scheduler that has lost its database
    would then hang instead of being restarted.
    """

    def end(self) -> None:
        """End the workers and wait for them."""
        for _ in self.workers:
            self.activity_queue.put(None)
        super().end()
