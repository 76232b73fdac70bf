"""The crypto contract at work: what breaks it stops the run, what it allows is loaded, warnings are kept."""

from tests.integration.crypto_history import contract_folder, etl, etl_error, events_as_stored, plant


def test_a_contract_that_breaks_leaves_the_events_alone(database, tmp_path):
    plant(database, {}, {"user_id": 2})
    etl(database, "2019-05-20")
    before = events_as_stored(database)
    plant(database, {"user_id": 3, "purchase_price": 99999})
    stricter = contract_folder(tmp_path, "rules:", "rules:\n  - expect: purchase_price <= 9000")
    etl(database, "2019-05-20", step="stage", EXPECTATIONS_DIR=stricter)
    message = etl_error(database, "check", "--snapshot-date", "2019-05-20", EXPECTATIONS_DIR=stricter)
    assert "expect purchase_price <= 9000: 1 of 3 rows, such as 3" in message
    assert "is failed, not checked" in etl_error(database, "publish", "--snapshot-date", "2019-05-20")
    assert events_as_stored(database) == before
    [(status, text)] = database.rows("select status, message from ops.crypto_runs order by attempt_id desc limit 1")
    assert (status, "expect purchase_price" in text) == ("failed", True)
    assert len(database.rows("select * from staging.crypto_events")) == 3
    assert etl(database, "2019-05-20")["rows_inserted"] == 1  # with the contract as it was
    assert database.rows("select * from staging.crypto_events") == []


def test_a_coin_added_to_the_contract_is_loaded(database, tmp_path):
    plant(database, {"crypto_type": "doge"})
    assert etl(database, "2019-05-20")["rows_rejected"] == 1
    with_doge = contract_folder(tmp_path, "('BTC', ", "('DOGE', 'BTC', ")
    assert etl(database, "2019-05-20", EXPECTATIONS_DIR=with_doge)["rows_loaded"] == 1
    assert database.rows("select status from ops.crypto_rejects") == [("mended",)]


def test_a_warning_is_reported_and_kept(database, tmp_path):
    plant(database, {})
    warning = contract_folder(tmp_path, "rules:", "rules:\n  - {rows: {min: 9}, severity: warn}")
    assert etl(database, "2019-05-20", EXPECTATIONS_DIR=warning)["warnings"] == ["rows {'min': 9}: 1 rows"]
    assert database.rows("select status, message from ops.crypto_runs") == [("published", "rows {'min': 9}: 1 rows")]
