"""Corrected rejects are loaded; the others stay rejected and on record."""

from tests.integration.crypto_history import contract_folder, etl, events, forget, plant, rejects


def mend(database, raw_id: int, column: str, value: object) -> None:
    """Correct one field of a raw row."""
    with database.connect() as conn:
        conn.execute(
            f"update raw.bt_crypto_transaction_history set {column} = %s where raw_id = %s",
            (value, raw_id),
        )


def test_mended_rejects_come_in_with_their_day(database):
    good, unreadable, negative, hopeless, gone, not_due = plant(
        database,
        {"purchase_date": "1/3/2019"},
        {"purchase_date": "31/2/2019"},
        {"purchase_date": "3/3/2019", "purchase_units": -2, "user_id": 2},
        {"purchase_date": "4/3/2019", "site_id": "X"},
        {"site_id": "Y"},
        {"purchase_date": "x"},
    )
    etl(database, "2019-05-20")
    mend(database, unreadable, "purchase_date", "2/3/2019")
    mend(database, negative, "purchase_units", 2)
    mend(database, hopeless, "crypto_type", "Z")
    mend(database, not_due, "purchase_date", "21/5/2019")
    forget(database, gone)
    done = etl(database, "2019-05-20", step="replay")
    assert (done["rows_mended"], done["rows_mended_not_due"], done["rows_still_rejected"], done["rows_gone"]) == (
        2,
        1,
        1,
        1,
    )
    assert (done["window_from"], done["window_to"], done["rows_inserted"]) == ("2019-03-02", "2019-03-03", 2)
    assert [row[-1] for row in events(database)] == [good, unreadable, negative]
    assert rejects(database) == {hopeless: "unknown site; unknown coin", not_due: "date is not D/M/YYYY"}
    assert dict(database.rows("select raw_id, status from ops.crypto_rejects where status <> 'open'")) == {
        unreadable: "mended",
        negative: "mended",
        gone: "gone",
    }
    assert etl(database, "2019-05-21")["rows_inserted"] == 1
    assert list(rejects(database)) == [hopeless]


def test_nothing_mended_changes_nothing(database):
    plant(database, {}, {"site_id": "X"})
    etl(database, "2019-05-20")
    runs = database.rows("select * from ops.crypto_runs")
    assert etl(database, "2019-05-20", step="replay")["rows_mended"] == 0
    assert database.rows("select * from ops.crypto_runs") == runs
    assert database.rows("select * from staging.crypto_events") == []


def test_a_mended_contract_lets_old_rejects_in(database, tmp_path):
    plant(database, {}, {"crypto_type": "DOGE", "purchase_date": "1/1/2019"})
    etl(database, "2019-05-20")
    with_doge = contract_folder(tmp_path, "('BTC', ", "('DOGE', 'BTC', ")
    assert etl(database, "2019-05-20", step="replay", EXPECTATIONS_DIR=with_doge)["rows_inserted"] == 1
    assert rejects(database) == {}


def test_a_replay_is_not_the_last_run(database):
    _, bad = plant(database, {}, {"site_id": "X"})
    etl(database, "2019-05-20")
    mend(database, bad, "site_id", "MEXICO")
    plant(database, {"user_id": 2, "purchase_date": "22/5/2019"}, {"user_id": 3, "purchase_date": "10/6/2019"})
    etl(database, "2019-06-09", step="replay")
    assert etl(database, "2019-06-10")["window_from"] == "2019-05-16"
    assert len(events(database)) == 4


def test_a_mended_reject_that_breaks_again_is_rejected_again(database):
    _, bad = plant(database, {}, {"purchase_date": "31/2/2019"})
    etl(database, "2019-05-20")
    mend(database, bad, "purchase_date", "1/3/2019")
    etl(database, "2019-05-20", step="replay")
    mend(database, bad, "purchase_date", "x")
    assert etl(database, "2019-05-21", "--full-refresh", "--force")["rows_deactivated"] == 1
    assert rejects(database) == {bad: "date is not D/M/YYYY"}
