"""Becomes a service that `make local-up` has defined: `python -m local.serve NAME`, run by the supervisor."""

import json
import os
import sys

from local import postgres, processes
from local.environments import RUN
from local.services import DATA_DIR, POSTGRES


def main(name: str) -> None:
    """End the processes left by a killed run of the service, then replace this process by the service."""
    file = RUN / f"{name}.json"
    service = json.loads(file.read_text(encoding="utf-8"))
    processes.kill(lambda: processes.marked(str(file)))
    env = {**os.environ, **service["variables"], processes.MARK: str(file)}
    if name == POSTGRES:
        postgres.clear(DATA_DIR)
        os.chdir(DATA_DIR)  # by which its processes are found, from the beginning
        del env[processes.MARK]  # it is stopped, not killed with the marked processes
    os.execvpe(service["command"][0], service["command"], env)


if __name__ == "__main__":
    main(sys.argv[1])
