"""A Spark session with the raw tables under the names that the SQL uses."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import SparkSession

import ml
from ml.cli import CommandError, TryLater
from ml.settings import Settings, settings


@contextmanager
def session(name: str) -> Iterator[SparkSession]:
    """A session on the cluster of SPARK_MASTER_URL, ended with the block.

    Raises:
        CommandError: Spark rejects a statement.
        TryLater: the cluster or the object store cannot be reached, or failed for longer than Spark retries.
    """
    env = settings()
    folder = tempfile.mkdtemp(prefix="spark-")
    try:
        spark = _start(name, env, folder)
        try:
            _ship_code(spark, folder)
            yield spark
        finally:
            spark.stop()
    except (AnalysisException, ParseException) as error:
        raise CommandError(f"Spark: {_first_line(error)}") from error
    except (PySparkException, Py4JError, OSError) as error:
        raise TryLater(f"Spark at {env.spark_master_url}: {_first_line(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(name: str, env: Settings, folder: str) -> SparkSession:
    options = {
        "spark.driver.memory": env.spark_driver_memory,
        "spark.executor.memory": env.spark_executor_memory,
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # a value that does not fit is an error, as in PostgreSQL
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if env.spark_master_url.startswith("local"):
        options |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": folder,
            "spark.ui.enabled": "false",
        }
    builder = SparkSession.builder.appName(name).master(env.spark_master_url)
    for option, value in options.items():
        builder = builder.config(option, value)
    spark = builder.getOrCreate()
    if env.lake_url.startswith("s3:"):
        _name_store(spark, env)
    return spark


def _name_store(spark: SparkSession, env: Settings) -> None:
    """Give Spark the object store and its keys; not as options, which stand in Java's command line."""
    store = {
        "endpoint": env.s3_endpoint_url,
        "endpoint.region": env.s3_region,
        "access.key": env.s3_access_key,
        "secret.key": env.s3_secret_key.get_secret_value(),
        "path.style.access": "true" if env.s3_endpoint_url else "",  # MinIO has no names for buckets
    }
    for name, value in store.items():
        if value:
            spark._jsc.hadoopConfiguration().set(f"fs.s3a.{name}", value)


def _ship_code(spark: SparkSession, folder: str) -> None:
    """Send this package to the workers, whose environment holds the libraries alone, and name their Python."""
    source = Path(ml.__file__).parent
    spark.sparkContext.addPyFile(shutil.make_archive(f"{folder}/ml", "zip", source.parent, source.name))
    spark.sparkContext.pythonExec = settings().pyspark_python or sys.executable


def _first_line(error: BaseException) -> str:
    """The cause that Java names last, or else the first line of the message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("Caused by:")]
    return (causes or lines or [type(error).__name__])[-1 if causes else 0][:500]
