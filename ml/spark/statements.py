"""Translates the SQL of PostgreSQL to Spark's, and gives Spark the tables and functions that it names."""

import psycopg
import sqlglot
from pyspark.sql import SparkSession

from ml.store import lake

TABLES = (
    "raw.payments", "raw.active_user", "raw.dinero_cuenta", "raw.demograficos", "raw.marketplace_data",
    "raw.evaluate", "staging.customers",
)  # fmt: skip
COUNT_BITS = "create function features.count_bits(bits int) returns int return bit_count(bits)"
LABEL_RULE = """
select pg_get_function_arguments(oid), pg_get_function_result(oid), prosrc
from pg_proc where oid = 'features.churn_label'::regproc
"""


def translate(statement: str) -> str:
    """The statement for Spark; `%(name)s` becomes `:name`, and the order of its rows is left to the caller."""
    tree = sqlglot.parse_one(statement, read="postgres")
    tree.set("order", None)
    translated: str = tree.sql(dialect="spark", unsupported_level=sqlglot.ErrorLevel.RAISE, comments=False)
    return translated


def prepare(spark: SparkSession, conn: psycopg.Connection) -> None:
    """Give the session the raw tables as they are loaded, and the functions of the schema features.

    The rule of the labels is read from PostgreSQL: there is one.

    Raises:
        CommandError: a table is not loaded, or its rows are not below LAKE_URL.
    """
    for schema in ("raw", "staging", "features"):
        spark.sql(f"create schema {schema}")
    for table in TABLES:
        location = lake.url(lake.require(lake.folder_of_raw(conn, table), table))
        spark.sql(f"create table {table} using parquet location '{location}'")
    spark.sql(COUNT_BITS)
    ((arguments, result, body),) = conn.execute(LABEL_RULE).fetchall()
    arguments, result = (text.replace(" text", " string") for text in (arguments, result))
    spark.sql(f"create function features.churn_label({arguments}) returns {result} return {translate(body)}")


def spark_type(postgres: str) -> str:
    """Spark's name of a PostgreSQL type, such as `int` for `integer not null`."""
    cast = sqlglot.parse_one(f"cast(null as {postgres.removesuffix(' not null')})", read="postgres")
    name: str = cast.to.sql("spark")
    return name
