"""Becomes a service that `make local-up` has written down: `python -m local.serve NAME`, started by the supervisor."""

import json
import os
import sys

from local import postgres, processes
from local.environments import RUN
from local.services import DATA_DIR, POSTGRES


def main(name: str) -> None:
    """End what a killed run of the service left behind, then replace this process by the service."""
    file = RUN / f"{name}.json"
    service = json.loads(file.read_text(encoding="utf-8"))
    processes.end(processes.marked(str(file)))
    if name == POSTGRES:
        postgres.clear(DATA_DIR)
        os.chdir(DATA_DIR)  # by which its processes are found, from the first moment on
    os.execvpe(service["command"][0], service["command"], service["environment"])


if __name__ == "__main__":
    main(sys.argv[1])
