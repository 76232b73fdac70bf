"""Feature rows against the same rows by a plain query; what happens when the server goes away."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from adbc_driver_manager import ProgrammingError

from ml.cli import TryLater
from ml.store.feature_rows import reading, to_frame
from ml.training.dataset import digest, load
from ml.utils_io import connect
from tests.integration.churn_rows import call, fill
from tests.integration.faults import wait_until

SNAPSHOTS = ("2019-05-19", "2019-05-26")
COLUMNS = ("customer_id", "mau_mp_1", "spent_90d", "payments_90d", "has_inversion", "gender", "estado")
QUERY = "select {columns} from features.churn_weekly_features where snapshot_date = %(day)s"
MANY = "select {columns} from features.churn_weekly_features, generate_series(1, 500)"
ODD = """
update features.churn_weekly_features
set spent_90d = (array['nan', 'inf', '-0', '1e300', null])[1 + customer_id % 5]::float8,
    mau_mp_1 = (array[-32768, 32767, null, -1, 0])[1 + customer_id % 5],
    payments_90d = case when customer_id % 3 > 0 then -2147483648 end,
    gender = (array['', 'Ñandú "x", y', '100 % {me}', null])[1 + customer_id % 4]
where customer_id % 7 = 0
"""


@pytest.fixture(scope="module")
def database(new_database, empty_template):
    database = new_database(empty_template)
    fill(database, *SNAPSHOTS)
    with database.connect() as conn:
        conn.execute(ODD)
    return database


@pytest.fixture
def conn(database):
    with database.connect() as conn:
        yield conn


def read(conn):
    return reading(conn, QUERY, COLUMNS, {"day": "2019-05-26"})


def test_frame_holds_every_row_with_its_values(conn):
    plain = conn.execute(QUERY.format(columns=", ".join(COLUMNS)), {"day": "2019-05-26"}).fetchall()
    with read(conn) as batches:
        frame = to_frame(batches.read_all())
    assert len(frame) == len(plain) == 1500
    assert frame.dtypes[["mau_mp_1", "spent_90d", "payments_90d", "has_inversion"]].eq(np.float64).all()
    by_customer = {row[0]: row[1:] for row in frame.astype(object).itertuples(index=False, name=None)}
    for customer, *numbers, gender, estado in plain:
        found = by_customer[customer]
        np.testing.assert_array_equal(found[:4], [np.nan if n is None else n for n in numbers])
        assert [None if text != text else text for text in found[4:]] == [gender, estado]


def test_column_of_nulls_and_no_rows_at_all(conn):
    with reading(conn, QUERY, ("customer_id", "spent_ml", "tarjetas"), {"day": "2019-05-12"}) as batches:
        nothing = to_frame(batches.read_all())
    assert nothing.dtypes.astype(str).tolist() == ["int64", "float64", "category"]
    with reading(conn, QUERY, ("spent_ml",), {"day": "2019-05-26"}) as batches:
        assert to_frame(batches.read_all())["spent_ml"].isna().all()


def test_rows_are_of_one_state_while_the_snapshots_are_rebuilt(database, conn):
    """The rewrite is committed after the statement has begun, before most of its rows are read."""
    before = load(conn, [date.fromisoformat(day) for day in SNAPSHOTS], (0, 1000))
    with reading(conn, MANY, COLUMNS, {}) as batches:
        first = next(batches)
        conn.execute("begin")
        conn.execute("update features.churn_weekly_features set payments_90d = 7")
        conn.execute("commit")
        rows = to_frame(pa.Table.from_batches([first, *batches]))
    assert len(rows) == 500 * 3000
    assert not rows["payments_90d"].eq(7).all()
    assert rows.groupby("customer_id", observed=True)["payments_90d"].nunique(dropna=False).max() <= len(SNAPSHOTS)
    assert digest(load(conn, [date.fromisoformat(day) for day in SNAPSHOTS], (0, 1000))) != digest(before)


def test_training_rows_are_ordered_by_snapshot_and_customer(conn):
    rows = load(
        conn, [date.fromisoformat(day) for day in reversed(SNAPSHOTS)], (0, 1000), features=["spent_7d", "gender"]
    )
    keys = list(rows[["snapshot_date", "customer_id"]].itertuples(index=False, name=None))
    assert keys == sorted(keys)
    assert {str(day.date()) for day, _ in keys} == set(SNAPSHOTS)


def test_reader_shows_under_the_application_name_of_its_connection(database):
    def readers():
        with connect(application_name="ml.test 2019-05-26") as conn, read(conn):
            return database.rows("select from pg_stat_activity where application_name = 'ml.test 2019-05-26'")

    assert len(call(database, readers)) == 2


def test_server_that_ends_the_session_is_worth_a_retry(database, conn):
    def interrupted():
        with reading(conn, MANY, COLUMNS, {}) as batches:
            next(batches)
            database.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query like '%%generate_series(1, 500)%%' and pid <> pg_backend_pid()"
            )
            return list(batches)

    with pytest.raises(TryLater, match="PostgreSQL: "):
        interrupted()


def test_caller_that_stops_early_leaves_no_session(database, conn):
    sessions = "select from pg_stat_activity where query like 'COPY%%generate_series(1, 500)%%'"
    with reading(conn, MANY, COLUMNS, {}) as batches:
        next(batches)
        assert database.rows(sessions)
    wait_until(lambda: not database.rows(sessions), "the end of the reader's session")


def test_query_that_is_wrong_is_not_worth_a_retry(conn):
    with (
        pytest.raises(ProgrammingError, match="no_such_column"),
        reading(conn, QUERY, ["no_such_column"], {"day": "2019-05-26"}),
    ):
        pass
