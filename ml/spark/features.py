"""Computes the rows of a snapshot on Spark, keeps them as Parquet, and copies them into PostgreSQL."""

import uuid
from datetime import date
from typing import Any

import psycopg

from ml.cli import TryLater
from ml.snapshots import catalogue, rows
from ml.spark import session, statements
from ml.store import copying, lake
from ml.utils_io import connect, is_only_writer, sql

COHORT = "select count(*) from staging.customers where first_payment_date < %(snapshot_date)s"


def write_rows(conn: psycopg.Connection, parameters: dict[str, Any]) -> rows.Written:
    """Replace the rows of the snapshot in the caller's transaction; a new folder holds them, too.

    The folder counts once the caller has recorded it. `parameters` are those of features_churn.sql.

    Raises:
        CommandError: the columns differ, or a raw table is not below LAKE_URL.
        TryLater: the cluster or the object store failed, or rows were lost.
    """
    table = catalogue.TABLE.replace(".", "/")
    folder = f"{table}/snapshot_date={parameters['snapshot_date']}/build={uuid.uuid4().hex}"
    with session.session(f"ml.features {parameters['snapshot_date']}") as spark:
        statements.prepare(spark, conn)
        found = spark.sql(statements.translate(sql("features_churn")), args=parameters)
        rows.require_same_columns(conn, found.columns)
        types = {name: statements.spark_type(kind) for name, kind, _ in catalogue.columns()}
        typed = found.select(*(found[name].cast(types[name]).alias(name) for name in found.columns))
        typed.sortWithinPartitions("customer_id").write.parquet(lake.url(folder))
    conn.execute(rows.DELETE, parameters)
    copied = copying.copy_batches(conn, catalogue.TABLE, found.columns, lake.read(folder, found.columns))
    ((expected,),) = conn.execute(COHORT, parameters).fetchall()
    if copied != expected:
        raise TryLater(f"{copied} rows came from Spark for {expected} customers; run it again")
    return rows.Written(copied, folder)


def delete_replaced(snapshot_date: date) -> None:
    """Delete the folders of the snapshot that do not count: of builds that were replaced, and of killed runs.

    While another build of any snapshot is under way nothing is deleted, because the folder that it writes does not
    count yet.
    """
    with connect(application_name=f"ml.features {snapshot_date}") as conn:
        is_alone = is_only_writer(conn, catalogue.TABLE)
        build = conn.execute(sql("current_build"), {"snapshot_date": snapshot_date}).fetchone()
        if is_alone and build is not None and build[-1] is not None:
            lake.delete_others(build[-1])
