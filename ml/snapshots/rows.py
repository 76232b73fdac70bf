"""What both engines need to replace the rows of a snapshot in `features.churn_weekly_features`."""

from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from ml.cli import CommandError
from ml.snapshots import catalogue

DELETE = "delete from features.churn_weekly_features where snapshot_date = %(snapshot_date)s"


class Written(NamedTuple):
    """How many rows the snapshot has now, and the folder below LAKE_URL that has them too; None: no folder has."""

    rows: int
    location: str | None = None


def columns_of(conn: psycopg.Connection, table: str) -> list[str]:
    """The names of a table's columns, in order."""
    return [column.name for column in conn.execute(f"select * from {table} limit 0").description or ()]


def require_same_columns(conn: psycopg.Connection, given: Sequence[str]) -> None:
    """Check that features_churn.sql, whose columns are `given`, the catalogue and the table agree, in any order.

    Raises:
        CommandError: they do not; the message names the columns that are missing, and what to do.
    """
    named = [name for name, _, _ in catalogue.columns()]
    stored = columns_of(conn, catalogue.TABLE)
    of_catalogue, of_sql = "ml/snapshots/catalogue.py", "airflow/include/sql/features_churn.sql"
    to_add = f"table {catalogue.TABLE} has no {{}} yet; add it: make local-up, or make up for containers"
    for lacking, problem in (
        (set(named) - set(given), f"{of_sql} does not give {{}}, which {of_catalogue} names"),
        (set(given) - set(named), f"{of_catalogue} does not name {{}}, which {of_sql} gives"),
        (set(named) - set(stored), to_add),
    ):
        if lacking:
            raise CommandError(problem.format(", ".join(sorted(lacking))))
