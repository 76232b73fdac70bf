"""The cost of a day follows its window: the rows that PostgreSQL visits do not grow with the history."""

import pytest

from tests.integration.crypto_history import etl
from tests.integration.faults import wait_until

ROWS_A_DAY = 100
TABLES = ("raw.bt_crypto_transaction_history", "ops.bt_crypto_events")
VISITED = """
    select schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    from pg_stat_user_tables
    where schemaname || '.' || relname = any(%(tables)s)
"""
WRITTEN = "select n_tup_ins from pg_stat_user_tables where relid = 'ops.bt_crypto_events'::regclass"
HISTORY = """
    insert into raw.bt_crypto_transaction_history
        (site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units)
    select 'MEXICO', n, to_char(date '2019-05-20' - day, 'FMDD/FMMM/YYYY'),
        case when n = 1 then 'x' else 'ETH' end, n, 1
    from generate_series(0, %(days)s - 1) as day, generate_series(1, %(rows)s) as n
    union all
    select 'MEXICO', n, 'x', 'ETH', n, 1 from generate_series(1, %(days)s) as n
"""


def visited_in_a_day(database, days: int, *, analyze: bool) -> dict[str, int]:
    """Rows of each table that one more day's run visits, after a history of so many days was loaded."""
    with database.connect() as conn:
        conn.execute(HISTORY, {"days": days, "rows": ROWS_A_DAY})
    etl(database, "2019-05-20")
    with database.connect() as conn:
        conn.execute("update ops.crypto_runs set staged_at = staged_at - interval '2 days'")
        if analyze:
            conn.execute("vacuum analyze")
        wait_until(lambda: database.rows(WRITTEN)[0][0], "statistics of the first run")
        conn.execute("select pg_stat_reset()")
        conn.execute(
            "insert into raw.bt_crypto_transaction_history"
            " (site_id, user_id, purchase_date, crypto_type, purchase_price, purchase_units)"
            " values ('MEXICO', 7, '20/5/2019', 'ETH', 1, 1), ('MEXICO', 7, '21/5/2019', 'ETH', 1, 1)"
        )
    counts = etl(database, "2019-05-21")
    assert (counts["rows_inserted"], counts["rows_updated"], counts["rows_unchanged"]) == (1, 1, 98 + 4 * 99)
    assert counts["rows_in"] == 2 + 5 * ROWS_A_DAY
    wait_until(lambda: all(visited(database).values()), "statistics of the second run")
    return visited(database)


def visited(database) -> dict[str, int]:
    """Rows visited since the statistics were reset."""
    return dict(database.rows(VISITED, {"tables": list(TABLES)}))


@pytest.mark.parametrize("analyze", [False, True], ids=["fresh", "analyzed"])
def test_rows_visited_follow_the_window(new_database, empty_template, analyze):
    short = visited_in_a_day(new_database(empty_template), 50, analyze=analyze)
    long = visited_in_a_day(new_database(empty_template), 400, analyze=analyze)
    window = 6 * ROWS_A_DAY
    assert long["raw.bt_crypto_transaction_history"] <= 1.5 * window
    assert long["ops.bt_crypto_events"] <= 5 * window  # compared, updated, deactivated, inserted
    assert long["ops.bt_crypto_events"] <= 1.5 * short["ops.bt_crypto_events"]
