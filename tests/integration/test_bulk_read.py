"""Feature rows in blocks against the same rows by a plain query; what a server or a caller that stops leaves behind."""

from datetime import date

import numpy as np
import pytest

from ml import bulk_read
from ml.bulk_read import Coded, Query, read_blocks
from ml.cli import TryLater
from ml.settings import settings
from ml.training.dataset import load
from tests.integration.churn_rows import fill
from tests.integration.faults import wait_until

SNAPSHOT = date(2019, 5, 26)
NUMBERS = ("mau_mp_1", "spent_90d", "active_days_30d", "payments_90d", "mau_mp_3", "has_inversion", "plata_cuenta_1")
TEXTS = ("gender", "estado")
QUERY = Query("select_active_cohort", SNAPSHOT, NUMBERS, TEXTS, {"active_days": 60})
ODD = """
update features.churn_weekly_features
set spent_90d = (array['nan', 'inf', '-0', '1e300', null])[1 + customer_id % 5]::float8,
    mau_mp_1 = (array[-32768, 32767, null, -1, 0])[1 + customer_id % 5],
    active_days_30d = (array[32767, -32768, -32768])[1 + customer_id % 3],
    has_inversion = (array[null, 32767, 0, -32768])[1 + customer_id % 4],
    payments_90d = case when customer_id % 3 > 0 then -2147483648 end,
    gender = (array['', 'Ñandú "x", y', null])[1 + customer_id % 3]
where customer_id % 7 = 0
"""


@pytest.fixture(scope="module")
def filled(new_database, empty_template):
    database = new_database(empty_template)
    fill(database, "2019-05-26", "2019-05-19")
    with database.connect() as conn:
        conn.execute(ODD)
    return database


@pytest.fixture
def database(filled, monkeypatch):
    """Read in small blocks, from several ranges of pages."""
    for name, value in filled.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bulk_read, "BLOCK_ROWS", 64)
    monkeypatch.setattr(bulk_read, "MIN_PAGES", 1)
    settings.cache_clear()
    yield filled
    settings.cache_clear()


def plain(database):
    """The rows of QUERY by customer, NULL as None."""
    columns = ", ".join(NUMBERS + TEXTS)
    found = database.rows(
        f"select customer_id, {columns} from features.churn_weekly_features"
        " where snapshot_date = '2019-05-26' and days_since_activity < 60"
    )
    return {row[0]: row[1:] for row in found}


def as_rows(blocks, categories):
    """The rows of blocks by customer, NULL as NaN or None."""
    rows = {}
    for block in blocks:
        texts = [categories[name].decode(block.codes[name]) for name in TEXTS]
        for at, customer in enumerate(block.customer_id.tolist()):
            assert customer not in rows
            rows[customer] = (*block.numbers[:, at].tolist(), *(text[at] for text in texts))
    return rows


def read(database, categories, query=QUERY):
    with database.connect() as conn:
        yield from read_blocks(conn, query, categories)


def new_categories():
    return {name: Coded() for name in TEXTS}


def readers(database):
    return database.rows("select pid from pg_stat_activity where application_name = 'ml.bulk_read'")


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    assert len(found) > 1000
    for customer, row in expected.items():
        numbers = [np.nan if value is None else value for value in row[: len(NUMBERS)]]
        np.testing.assert_array_equal(found[customer][: len(NUMBERS)], numbers)
        assert found[customer][len(NUMBERS) :] == row[len(NUMBERS) :]


def test_blocks_hold_every_row_once_with_its_values(database):
    categories = new_categories()
    assert_same(as_rows(read(database, categories), categories), plain(database))
    assert {"", 'Ñandú "x", y', "male"} <= set(categories["gender"].values)


def test_codes_of_an_earlier_read_stay(database):
    categories = new_categories()
    categories["gender"].code("Unknown")
    found = as_rows(read(database, categories), categories)
    assert categories["gender"].values[0] == "Unknown"
    assert_same(found, plain(database))


def test_one_block_from_one_connection_where_there_is_little(database, monkeypatch):
    monkeypatch.setattr(bulk_read, "BLOCK_ROWS", 10_000)
    monkeypatch.setattr(bulk_read, "MIN_PAGES", 10_000)
    categories = new_categories()
    (block,) = read(database, categories)
    assert_same(as_rows([block], categories), plain(database))


def test_snapshot_without_rows_gives_no_block(database):
    nothing = Query("select_active_cohort", date(2019, 5, 5), NUMBERS, TEXTS, QUERY.values)
    assert list(read(database, {}, nothing)) == []


def test_reader_sees_one_state_while_the_snapshot_is_built_anew(database):
    before = plain(database)
    categories = new_categories()
    blocks = read(database, categories)
    first = next(blocks)
    with database.connect() as conn:
        conn.execute("begin")
        conn.execute("create temporary table kept as select * from features.churn_weekly_features")
        conn.execute("delete from features.churn_weekly_features where snapshot_date = '2019-05-26'")
        conn.execute("commit")
        try:
            assert_same(as_rows([first, *blocks], categories), before)
        finally:
            conn.execute(
                "insert into features.churn_weekly_features select * from kept where snapshot_date = '2019-05-26'"
            )
    assert_same(as_rows(read(database, categories), categories), before)


def test_server_that_ends_the_sessions_is_worth_a_retry(database):
    blocks = read(database, new_categories())
    next(blocks)
    database.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ml.bulk_read'")
    with pytest.raises(TryLater, match="PostgreSQL: "):
        list(blocks)


@pytest.mark.parametrize(("variable", "value"), [("POSTGRES_PORT", "1"), ("POSTGRES_PASSWORD", "another")])
def test_server_that_cannot_be_reached_is_worth_a_retry(database, monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    with pytest.raises(TryLater, match="PostgreSQL: "):
        next(read(database, new_categories()))


def test_caller_that_stops_early_leaves_no_connection(database):
    blocks = read(database, new_categories())
    next(blocks)
    assert readers(database)
    blocks.close()
    wait_until(lambda: not readers(database), "the end of the readers' sessions")


def test_training_rows_beyond_those_on_record_are_worth_a_retry(database):
    with database.connect() as conn:
        assert len(load(conn, [SNAPSHOT], (0, 1000))) > 1000
        conn.execute("update ops.feature_builds set rows_built = rows_built - 1000")
        try:
            with pytest.raises(TryLater, match="built anew"):
                load(conn, [SNAPSHOT], (0, 1000))
        finally:
            conn.execute("update ops.feature_builds set rows_built = rows_built + 1000")
