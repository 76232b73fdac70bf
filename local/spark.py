"""ENGINE=spark in the local stack: Java, the Python environment, and what the commands are told."""

import os
import re
import shutil
import subprocess

from local.config import Config
from local.console import Failure
from local.environments import STATE, ensure

OLDEST_JAVA = 17
TOLD = ("SPARK_DRIVER_MEMORY", "SPARK_EXECUTOR_MEMORY", "PYSPARK_PYTHON", "JAVA_HOME")
S3 = ("S3_ENDPOINT_URL", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION")
INSTALL = "install it (Debian, Ubuntu: apt install openjdk-17-jre-headless), or leave out ENGINE=spark"


def environment(config: Config) -> dict[str, str]:
    """Variables of the `ml` commands; none unless Spark is the engine. LAKE_URL is `.local/lake` if `.env` has none."""
    if not config.uses_spark:
        return {}
    told = {
        "ENGINE": "spark",
        "LAKE_URL": config.values.get("LAKE_URL") or f"file://{STATE / 'lake'}",
        "SPARK_MASTER_URL": config.values.get("SPARK_MASTER_URL") or "local[*]",
    }
    names = TOLD + (S3 if told["LAKE_URL"].startswith("s3:") else ())
    return told | {name: config.values[name] for name in names if config.values.get(name)}


def ml_environment(config: Config) -> str:
    """The Python environment in which `ml` commands run."""
    return "spark" if config.uses_spark else "ml"


def require(config: Config) -> None:
    """If Spark is the engine, make its Python environment; a `Failure` says that Java is missing or too old."""
    if config.uses_spark:
        _require_java(config)
        ensure("spark")


def _require_java(config: Config) -> None:
    home = config.values.get("JAVA_HOME") or os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    try:
        said = subprocess.run([java or "java", "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"ENGINE=spark needs Java {OLDEST_JAVA} or later, and there is none; {INSTALL}") from error
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise Failure(f"ENGINE=spark needs Java {OLDEST_JAVA} or later; {java} is: {said.splitlines()[0]}; {INSTALL}")
