"""Writes the loaded tables as Parquet for the Spark engine, where they are not there yet."""

import psycopg

from ml.loading.files import CRYPTO, FILES, KINDS, PAYMENTS, RawFile
from ml.loading.load_file import locked
from ml.store import feature_rows, lake

IN_ORDER = "-c max_parallel_workers_per_gather=0"  # rows in the order in which they lie on disk
CUSTOMERS = "select customer_id, first_payment_date from staging.customers"


def write_missing(conn: psycopg.Connection) -> list[str]:
    """Write each table whose present rows are not below LAKE_URL; return the names of those written.

    A table cannot be loaded again meanwhile. Files of its earlier loads are deleted.

    Raises:
        CommandError: a table is not loaded or locked, or LAKE_URL is not valid.
        TryLater: the object store cannot be reached.
    """
    written = []
    for raw in FILES:
        if raw is CRYPTO:
            continue
        with locked(conn, raw):
            tables = {raw.table: _select(raw)}
            if raw is PAYMENTS:
                tables["staging.customers"] = CUSTOMERS
            for table, query in tables.items():
                folder = lake.folder_of_raw(conn, table)
                if not lake.is_complete(folder):
                    with feature_rows.streaming(conn, query, IN_ORDER) as rows:
                        lake.write(folder, rows)
                    written.append(table)
                lake.delete_others(folder)
    return written


def _select(raw: RawFile) -> str:
    """The columns with types that Parquet has: an amount is a double, as the features take it."""
    columns = ", ".join(
        f"{column.name}::float8" if KINDS[column.kind].type == "numeric" else column.name for column in raw.columns
    )
    return f"select {columns} from {raw.table}"
