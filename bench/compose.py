"""The server settings and memory limits of docker/docker-compose.yml, for benchmarks that run without containers."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

COMPOSE_FILE = Path(__file__).resolve().parent.parent / "docker" / "docker-compose.yml"
DEFAULT = re.compile(r"\$\{(\w+):-([^}]*)\}")
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


def postgres_settings() -> list[str]:
    """What the container's PostgreSQL is started with, as `name=value`, but for the addresses that it listens on."""
    settings = [option.removeprefix("-c") for option in _service("postgres")["command"] if option.startswith("-c")]
    return [setting for setting in settings if not setting.startswith("listen_addresses=")]


def memory_limit(service: str) -> int:
    """Bytes that the containers of a service may take; `.env`'s variable counts if it is in the environment."""
    return bytes_of(_service(service)["mem_limit"])


def shared_memory_limit() -> int:
    """Bytes of /dev/shm in PostgreSQL's container, where parallel workers share what they hash."""
    return bytes_of(_service("postgres")["shm_size"])


def bytes_of(size: str) -> int:
    """Bytes of a size such as `2g` or `${POSTGRES_MEMORY:-2g}`."""
    size = DEFAULT.sub(lambda found: os.environ.get(found[1]) or found[2], size)
    return int(size[:-1]) * UNITS[size[-1].lower()]


def _service(name: str) -> dict[str, Any]:
    services: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
    return services[name]
