"""What one run of the crypto events does with the rows it finds."""

import itertools
from datetime import date

from tests.integration.crypto_history import (
    PURCHASE,
    etl,
    events,
    events_as_stored,
    forget,
    plant,
    rejects,
)


def prices(database) -> dict[int, int]:
    """Price by user of the active events."""
    return {row[1]: int(row[5]) for row in events(database) if row[7]}


def test_every_text_of_day_month_year_reads_as_python_reads_it(database):
    texts = [f"{d}/{m}/{y}" for d, m, y in itertools.product(range(33), range(14), (0, 1, 1900, 2000, 2019, 2020))]
    texts += [
        "01/01/2019",
        " 1/1/2019\t",
        "001/1/2019",
        "1/1/19",
        "1/1/02019",
        "-1/1/2019",
        "1/1/2019\n1",
        "1/1/2019 0",
    ]

    def expected(text: str) -> date | None:
        parts = text.strip().split("/")
        if not all(part.isdigit() for part in parts) or [len(part) for part in parts] not in (
            [1, 1, 4], [1, 2, 4], [2, 1, 4], [2, 2, 4],
        ):  # fmt: skip
            return None
        try:
            return date(int(parts[2]), int(parts[1]), int(parts[0]))
        except ValueError:
            return None

    texts = [text.zfill(len(text)) for text in texts]
    found = database.rows(
        "select text, ops.crypto_purchase_date(text) from unnest(%(texts)s::text[]) as text", {"texts": texts}
    )
    assert dict(found) == {text: expected(text) for text in texts}


WRONG: list[tuple[dict, str]] = [
    ({"purchase_date": "31/2/2019"}, "no such date"),
    ({"purchase_date": "2019-05-20"}, "date is not D/M/YYYY"),
    ({"purchase_date": "20/5/19"}, "date is not D/M/YYYY"),
    ({"purchase_date": None}, "date missing"),
    ({"purchase_date": "  "}, "date missing"),
    ({"purchase_date": "21/5/2019"}, "date after the load"),
    ({"site_id": None}, "site missing"),
    ({"site_id": " \t"}, "site missing"),
    ({"site_id": "CHILE"}, "unknown site"),
    ({"user_id": None}, "user missing"),
    ({"crypto_type": "\u00a0"}, "coin missing"),
    ({"crypto_type": "DOGE"}, "unknown coin"),
    ({"purchase_units": None}, "units missing"),
    ({"purchase_units": 0}, "units are not positive"),
    ({"purchase_units": "-0.1"}, "units are not positive"),
    ({"purchase_price": None}, "price missing"),
    ({"purchase_price": "-0.01"}, "price is negative"),
    (
        {"purchase_price": -1, "crypto_type": "x", "purchase_date": "x"},
        "date is not D/M/YYYY; unknown coin; price is negative",
    ),
]


def test_rejected_with_every_reason_and_the_original_row(database):
    good, *bad = plant(database, {"user_id": 2}, *(change for change, _ in WRONG), loaded_at="2019-05-20 12:00+00")
    counts = etl(database, "2019-05-20")
    assert rejects(database) == dict(zip(bad, (reason for _, reason in WRONG), strict=True))
    assert [row[-1] for row in events(database)] == [good]
    assert (counts["rows_in"], counts["rows_loaded"], counts["rows_rejected"]) == (len(WRONG) + 1, 1, len(WRONG))
    originals = database.rows("select original from ops.crypto_rejects order by raw_id")
    assert [original for (original,) in originals] == [
        {
            **PURCHASE,
            **{
                name: float(value) if "." in str(value) and name != "purchase_date" else value
                for name, value in change.items()
            },
        }
        for change, _ in WRONG
    ]


def test_blanks_case_and_leading_zeros_are_one_purchase(database):
    plant(
        database,
        {},
        {"site_id": " argentina", "crypto_type": "btc\t", "purchase_date": " 20/05/2019 ", "purchase_units": "2.00"},
    )
    assert etl(database, "2019-05-20")["rows_copied"] == 1
    assert [row[:4] for row in events(database)] == [("ARGENTINA", 1, date(2019, 5, 20), "BTC")]


def test_last_arrival_wins_and_copies_count(database):
    arriving = {  # prices by user in order of arrival: the price that stays, and which arrival says so
        1: ([10, 10, 10], 10, 0),
        2: ([10, 12], 12, 1),
        3: ([10, 12, 12], 12, 1),
        4: ([10, 12, 10], 10, 2),
        5: ([10, 10, 12, 11, 12, 12], 12, 4),
    }
    expected = []
    for user, (prices_in_order, price, winner) in arriving.items():
        raw_ids = plant(database, *({"user_id": user, "purchase_price": value} for value in prices_in_order))
        expected.append((user, price, raw_ids[winner]))
    counts = etl(database, "2019-05-20")
    assert [(row[1], row[5], row[-1]) for row in events(database)] == expected
    assert (counts["rows_copied"], counts["rows_superseded"], counts["rows_loaded"]) == (2 + 0 + 1 + 1 + 3, 5, 5)


def test_other_units_are_another_purchase(database):
    plant(database, {"purchase_units": 1}, {"purchase_units": 2})
    assert etl(database, "2019-05-20")["rows_loaded"] == 2


def test_rerun_and_another_copy_touch_nothing(database):
    plant(database, {}, {"user_id": 2}, {"user_id": 3, "site_id": "CHILE"})
    etl(database, "2019-05-20")
    before = events_as_stored(database)
    etl(database, "2019-05-20")
    plant(database, {})
    counts = etl(database, "2019-05-21")
    assert events_as_stored(database) == before
    assert (counts["rows_unchanged"], counts["rows_updated"]) == (2, 0)
    assert database.rows("select count(*) from ops.crypto_rejects") == [(1,)]


def test_a_change_touches_its_row_alone(database):
    plant(database, {}, {"user_id": 2}, {"user_id": 3})
    etl(database, "2019-05-20")
    before = events_as_stored(database)
    plant(database, {"user_id": 2, "purchase_price": 1})
    assert etl(database, "2019-05-20")["rows_updated"] == 1
    assert len(set(before) & set(events_as_stored(database))) == 2
    assert prices(database) == {1: 8000, 2: 1, 3: 8000}


def test_gone_is_deactivated_and_back_is_active_again(database):
    first, *_ = plant(database, *({"user_id": user} for user in range(1, 11)))
    etl(database, "2019-05-20")
    forget(database, first)
    assert etl(database, "2019-05-21")["rows_deactivated"] == 1
    assert [row[1] for row in events(database) if not row[7]] == [1]
    plant(database, {"user_id": 1})
    counts = etl(database, "2019-05-22")
    assert (counts["rows_updated"], len(prices(database))) == (1, 10)


def test_days_outside_the_window_stay_as_they_are(database):
    old, _ = plant(database, {"purchase_date": "14/5/2019"}, {"purchase_date": "15/5/2019"})
    etl(database, "2019-05-19")
    forget(database, old)
    plant(database, {"purchase_date": "14/5/2019", "user_id": 2})
    counts = etl(database, "2019-05-20")
    assert (counts["rows_late"], counts["rows_deactivated"], counts["window_from"]) == (1, 0, "2019-05-15")
    assert [row[7] for row in events(database)] == [True, True]
    done = database.run("ml.crypto_events", "publish", "--snapshot-date", "2019-05-20")
    assert "1 rows arrived that are dated before 2019-05-15" in done.stderr
    counts = etl(database, "2019-05-20", "--full-refresh", "--force")
    assert (counts["rows_inserted"], counts["rows_deactivated"]) == (1, 1)


def test_missed_days_are_made_up_for(database):
    plant(database, {})
    etl(database, "2019-05-20")
    plant(database, *({"purchase_date": f"{day}/6/2019", "user_id": day} for day in range(1, 30)), {"user_id": 30})
    counts = etl(database, "2019-06-29")
    assert (counts["window_from"], counts["rows_inserted"], counts["rows_late"]) == ("2019-05-16", 30, 0)


def test_a_failed_run_does_not_count_as_the_last(database):
    plant(database, {})
    etl(database, "2019-05-20")
    plant(database, {"purchase_date": "28/5/2019"}, {"purchase_date": "3/6/2019"})
    etl(database, "2019-06-01", step="stage")
    etl(database, "2019-06-01", step="check")
    assert etl(database, "2019-06-03")["window_from"] == "2019-05-16"


def test_not_due_yet_is_neither_loaded_nor_rejected(database):
    plant(database, {}, {"user_id": 2, "purchase_date": "21/5/2019"}, {"user_id": 3, "purchase_date": "30/6/2019"})
    counts = etl(database, "2019-05-20")
    assert (counts["rows_loaded"], counts["rows_not_due"], rejects(database)) == (1, 2, {})
    assert etl(database, "2019-05-21")["rows_inserted"] == 1


def test_any_order_of_dates_gives_the_same_events(new_database, empty_template):
    days = [f"{day}/{month}/2019" for month in (5, 6) for day in range(1, 31)]
    found = []
    for order in (
        ["2019-05-20", "2019-05-26", "2019-06-20"],
        ["2019-06-20", "2019-05-20"],
        ["2019-05-26", "2019-06-20"],
    ):
        database = new_database(empty_template)
        plant(database, *({"user_id": user, "purchase_date": day} for day in days for user in (1, 2)))
        for snapshot_date in order:
            etl(database, snapshot_date)
        found.append(events(database))
    assert found[0] == found[1] == found[2]
    assert [row[2] for row in found[0]][-1] == date(2019, 6, 20)
    assert len(found[0]) == 2 * 50


def test_unreadable_rows_are_found_by_arrival_and_rejected_once(database):
    first, bad = plant(database, {}, {"purchase_date": "x"})
    assert etl(database, "2019-05-20")["rows_rejected"] == 1
    assert etl(database, "2019-05-20")["rows_rejected"] == 0
    [(rejected_at,)] = database.rows("select rejected_at from ops.crypto_rejects")
    with database.connect() as conn:  # long after, the watermark alone keeps them out
        conn.execute("update ops.crypto_runs set staged_at = staged_at - interval '2 days'")
        conn.execute("delete from ops.crypto_rejects")
    assert etl(database, "2019-05-20")["rows_rejected"] == 0
    later = plant(database, {"purchase_date": "y"})
    assert etl(database, "2019-05-20")["rows_rejected"] == 1
    assert list(rejects(database)) == later
    assert (first < bad, rejected_at is not None) == (True, True)


def test_a_row_that_commits_after_later_ones_is_found(database):
    plant(database, {})
    with database.connect() as slow:
        slow.execute("begin")
        [(bad,)] = slow.execute(
            "insert into raw.bt_crypto_transaction_history (purchase_date) values ('x') returning raw_id"
        ).fetchall()
        plant(database, {})
        assert etl(database, "2019-05-20")["rows_rejected"] == 0
        slow.execute("commit")
    etl(database, "2019-05-21")
    assert list(rejects(database)) == [bad]


def test_a_history_loaded_anew_is_read_anew(database):
    plant(database, {}, {"purchase_date": "x"}, {"user_id": 2})
    etl(database, "2019-05-20")
    with database.connect() as conn:
        conn.execute("update ops.crypto_runs set staged_at = staged_at - interval '2 days'")
        conn.execute("truncate raw.bt_crypto_transaction_history restart identity")
    plant(database, {"purchase_date": "y"}, {}, {"user_id": 2})
    counts = etl(database, "2019-05-20")
    assert (counts["rows_rejected"], counts["rows_loaded"], counts["rows_inserted"]) == (1, 2, 0)
    found = database.rows("select original ->> 'purchase_date', status from ops.crypto_rejects order by rejected_at")
    assert found == [("x", "gone"), ("y", "open")]


def test_a_history_whose_oldest_row_is_deleted_goes_on(database):
    oldest, *_ = plant(database, {}, {"purchase_date": "x"}, {"purchase_date": "1/5/2019"}, {"user_id": 2})
    etl(database, "2019-05-20")
    forget(database, oldest)
    plant(database, {"user_id": 3, "purchase_date": "2/5/2019"})
    counts = etl(database, "2019-05-20", "--force")
    assert (counts["rows_late"], counts["rows_rejected"], counts["rows_deactivated"]) == (1, 0, 1)
    assert database.rows("select status from ops.crypto_rejects") == [("open",)]
