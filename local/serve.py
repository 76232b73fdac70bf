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
    processes.end(processes.marked(str(file)))
    if name == POSTGRES:
        postgres.clear(DATA_DIR)
        os.chdir(DATA_DIR)  # the mark by which its processes are found, set from the beginning
    os.execvpe(service["command"][0], service["command"], service["environment"])


if __name__ == "__main__":
    main(sys.argv[1])
