"""Loads again, at once, killed, behind readers, and over a database of an older shape."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from local.postgres import Cluster
from tests.integration.conftest import PASSWORDS, ROOT, Database, free_port, postgres_bin_dir
from tests.integration.faults import wait_until
from tests.integration.load_files import CUSTOMERS, FILES, INIT_DIR, Folder, content

PAYMENTS = "raw.payments"
STATE = """
    select count(*), sum(hashtextextended(payments::text, 0)) from raw.payments
    union all
    select count(*), sum(hashtextextended(customers::text, 0)) from staging.customers
    union all
    select count(*), sum(hashtextextended(current_data::text, 0)) from ops.current_data
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "csv")


def test_second_seed_leaves_everything_as_it_is(database: Database, folder: Folder) -> None:
    folder.seed(database)
    tables = [*FILES, "staging.customers"]
    versions = {table: database.rows(f"select ctid, xmin from {table}") for table in tables}
    done = folder.seed(database)
    assert done.stdout.count(": unchanged\n") == len(FILES)
    assert {table: database.rows(f"select ctid, xmin from {table}") for table in tables} == versions
    folder.seed(database)
    assert database.rows("select count(*) from ops.raw_loads where status = 'unchanged'") == [(len(FILES),)]


def test_reload_gives_the_same_rows(database: Database, folder: Folder) -> None:
    folder.seed(database)
    before = database.rows(STATE)
    with database.connect() as conn:
        conn.execute("delete from raw.payments where cus_cust_id_buy < 50")
    done = folder.seed(database, SEED_RELOAD="1")
    assert done.stdout.count(": loaded, ") == len(FILES)
    assert database.rows(STATE) == before


def test_a_changed_file_is_loaded_and_changes_the_fingerprint(database: Database, folder: Folder) -> None:
    folder.seed(database)
    [(fingerprint,)] = database.rows("select raw_fingerprint from ops.current_data")
    folder.write(PAYMENTS, folder.lines(PAYMENTS, CUSTOMERS + 2))
    assert "PAYMENTS.csv: loaded, 302 rows\n" in folder.seed(database).stdout
    [(first, month, through, cutoff, changed, _)] = database.rows("select * from ops.current_data")
    assert changed != fingerprint
    assert [str(day) for day in (first, month, through, cutoff)] == [
        "2019-01-01",
        "2019-05-01",
        "2019-05-31",
        "2019-05-31",
    ]


def test_the_crypto_history_is_no_part_of_the_fingerprint(database: Database, folder: Folder) -> None:
    folder.seed(database)
    before = database.rows("select * from ops.current_data")
    table = "raw.bt_crypto_transaction_history"
    folder.write(table, folder.lines(table, 310))
    assert folder.load(database, table)["status"] == "loaded"
    assert database.rows("select * from ops.current_data") == before


def test_an_emptied_table_is_loaded_again(database: Database, folder: Folder) -> None:
    folder.seed(database)
    with database.connect() as conn:
        conn.execute("truncate raw.payments")
    assert "PAYMENTS.csv: loaded" in folder.seed(database).stdout
    assert len(content(database, PAYMENTS)) == CUSTOMERS


def test_payments_lie_sorted_with_both_indexes_and_visible_to_index_only_scans(
    database: Database, folder: Folder
) -> None:
    lines = folder.lines(PAYMENTS)
    folder.write(PAYMENTS, [lines[0], *reversed(lines[1:])])
    folder.seed(database)
    assert database.rows(
        "select array_agg(fecha order by ctid) = array_agg(fecha order by fecha) from raw.payments"
    ) == [(True,)]
    indexes = database.rows("select indexdef from pg_indexes where tablename = 'payments' order by indexname")
    assert [index.partition(" USING ")[2] for (index,) in indexes] == ["btree (cus_cust_id_buy, fecha)", "brin (fecha)"]
    assert database.rows("select relallvisible = relpages from pg_class where oid = 'raw.payments'::regclass") == [
        (True,)
    ]


def test_two_seeds_at_once_take_turns(database: Database, folder: Folder) -> None:
    done: list[subprocess.CompletedProcess[str]] = []
    threads = [threading.Thread(target=lambda: done.append(folder.seed(database))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(one.returncode, one.stderr) for one in done] == [(0, ""), (0, "")]
    assert database.rows("select count(*) from ops.raw_loads where status = 'loaded'") == [(len(FILES),)]
    assert len(content(database, PAYMENTS)) == CUSTOMERS


@pytest.mark.parametrize("level", ["read committed", "repeatable read"])
def test_an_open_reader_neither_waits_nor_makes_wait(database: Database, folder: Folder, level: str) -> None:
    folder.seed(database)
    count = "select count(*) from raw.payments"
    with database.connect() as reader, reader.transaction():
        reader.execute(f"set transaction isolation level {level}")
        assert reader.execute(count).fetchone() == (CUSTOMERS,)
        folder.write(PAYMENTS, folder.lines(PAYMENTS, CUSTOMERS + 10))
        assert folder.seed(database).returncode == 0
        seen = CUSTOMERS + 10 if level == "read committed" else CUSTOMERS
        assert reader.execute(count).fetchone() == (seen,)


def test_a_reader_of_a_table_not_looked_at_before_sees_its_own_time(database: Database, folder: Folder) -> None:
    folder.seed(database)
    with database.connect() as reader, reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1 from raw.evaluate limit 1")
        assert folder.seed(database, SEED_RELOAD="1").returncode == 0
        assert reader.execute("select count(*) from raw.payments").fetchone() == (CUSTOMERS,)


def test_a_file_that_outgrows_its_table(database: Database, folder: Folder) -> None:
    """Its indexes are rebuilt; who began to read before that still finds every old row, and no new one."""
    folder.seed(database)
    header, *rows = folder.lines(PAYMENTS)
    folder.write(PAYMENTS, [header, *(row for row in rows for _ in range(20))])
    with database.connect() as reader, reader.transaction():
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select 1 from raw.evaluate limit 1")
        assert "PAYMENTS.csv: loaded, 6,000 rows" in folder.seed(database).stdout
        reader.execute("set local enable_seqscan = off")
        assert reader.execute("select count(*) from raw.payments where cus_cust_id_buy = 7").fetchone() == (1,)
        assert reader.execute("select count(*) from raw.payments where fecha = '2019-01-05'").fetchone() == (2,)
    with database.connect() as conn:
        conn.execute("set enable_seqscan = off")
        assert conn.execute("select count(*) from raw.payments where cus_cust_id_buy = 7").fetchone() == (20,)
        assert conn.execute("select count(*) from raw.payments where fecha = '2019-01-05'").fetchone() == (40,)
    assert database.rows("select count(*) from pg_indexes where tablename = 'payments'") == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "insert into raw.payments (fecha, cus_cust_id_buy) values ('2019-01-01', 7)",
        "select pg_advisory_xact_lock(hashtextextended('raw.payments', 0))",  # as another load does
    ],
)
def test_behind_another_session_the_load_gives_up_and_names_it(
    database: Database, folder: Folder, statement: str
) -> None:
    folder.seed(database)
    with psycopg.connect(
        host="127.0.0.1",
        port=database.cluster.port,
        dbname=database.name,
        user=database.cluster.superuser,
        password=database.cluster.password,
        application_name="somebody's shell",
    ) as writer:
        writer.execute(statement)
        done = folder.seed(database, SEED_RELOAD="1", PGOPTIONS="-c lock_timeout=300ms")
        writer.rollback()
    assert done.returncode != 0
    assert "PAYMENTS.csv: raw.payments is locked by process" in done.stderr
    assert "(somebody's shell); end that and load again" in done.stderr
    assert len(content(database, PAYMENTS)) == CUSTOMERS


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server to kill: the one of the other tests goes on."""
    server = Cluster(postgres_bin_dir(), tmp_path_factory.mktemp("own") / "pg", free_port(), "meli", "owner")
    server.initialise()
    server.start("fsync=off")
    yield server
    server.stop()


@pytest.mark.parametrize("victim", ["loader", "backend"])
@pytest.mark.parametrize("held", ["raw.payments", "staging.customers", "ops.raw_loads"])
def test_a_killed_load_leaves_the_old_rows(own_cluster: Cluster, folder: Folder, victim: str, held: str) -> None:
    name = f"killed_{victim}_{held.replace('.', '_')}"
    own_cluster.psql("postgres", "-c", f"create database {name}")
    own_cluster.apply_init(name, {**PASSWORDS, "CSV_DIR": str(folder.path)}, load=True)
    database = Database(own_cluster, name)
    before = database.rows(STATE)
    folder.write(PAYMENTS, folder.lines(PAYMENTS, CUSTOMERS + 100))

    # The load comes as far as this table and waits: that is where it is killed.
    holder = database.connect()
    holder.execute("begin")
    holder.execute(f"lock table {held} in share mode")
    loader = subprocess.Popen(
        [sys.executable, "-m", "ml.load", "--table", PAYMENTS],
        env=folder.env(database),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    waiting = "select pid from pg_locks where relation = %s::regclass and not granted"
    [(pid,)] = wait_until(lambda: holder.execute(waiting, (held,)).fetchall(), f"the load waiting for {held}")
    if victim == "loader":
        loader.kill()
        holder.execute("select pg_terminate_backend(%s)", (pid,))  # as a lost connection does, sooner or later
        wait_until(lambda: not holder.execute(waiting, (held,)).fetchall(), "the end of its backend")
        holder.execute("rollback")
    else:
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):  # the server ends every session and recovers
            holder.execute("select pg_sleep(60)")
    holder.close()
    loader.wait()
    wait_until(lambda: connects(database), "the server to accept connections")
    assert database.rows(STATE) == before
    assert "PAYMENTS.csv: loaded, 400 rows" in folder.seed(database).stdout
    assert database.rows("select count(*) from staging.customers") == [(CUSTOMERS + 100,)]


def connects(database: Database) -> bool:
    try:
        return database.rows("select 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_an_older_database_is_brought_up_to_date(database: Database, folder: Folder) -> None:
    folder.seed(database)
    with database.connect() as conn:
        conn.execute("""
            alter table raw.active_user drop column last_login_ml_date_1;
            alter table raw.bt_crypto_transaction_history drop column raw_id, drop column loaded_at;
            drop view ops.current_data;
            alter table ops.raw_loads drop column message;
            drop table ops.raw_rejects;
            drop index raw.payments_fecha;
            drop trigger payments_added on raw.payments;
            drop table staging.customers;
            alter role meli_reader with createdb superuser;
            create schema loader;
            create function ops.replay_raw_rejects() returns setof ops.raw_loads
            language sql as 'select * from ops.raw_loads';
        """)
    env = {**PASSWORDS, "CSV_DIR": str(folder.path), "POSTGRES_DB": database.name, "SEED_RELOAD": "1"}
    database.cluster.apply_init(database.name, env, load=True)
    assert database.rows(
        "select count(last_login_mp_date_1), count(distinct raw_id) from raw.active_user, lateral ("
        " select raw_id from raw.bt_crypto_transaction_history limit 1) as one"
    ) == [(CUSTOMERS, 1)]
    assert database.rows("select count(*) from staging.customers") == [(CUSTOMERS,)]
    assert database.rows("select count(*) from pg_trigger where tgrelid = 'raw.payments'::regclass") == [(5,)]
    assert database.rows("select count(*) from pg_indexes where tablename = 'payments'") == [(2,)]
    assert database.rows("select rolsuper, rolcreatedb from pg_roles where rolname = 'meli_reader'") == [(False, False)]
    assert database.rows("select payments_known_through::text from ops.current_data") == [("2019-05-30",)]
    assert database.rows("select to_regnamespace('loader'), to_regproc('ops.replay_raw_rejects')") == [(None, None)]


def test_seed_raw_seeds_the_crypto_history_alone(database: Database, folder: Folder) -> None:
    folder.seed(database)
    table = "raw.bt_crypto_transaction_history"
    folder.write(table, folder.lines(table, 310))
    folder.write(PAYMENTS, folder.lines(PAYMENTS, 310))
    script = ROOT / "airflow" / "include" / "sql" / "seed_raw.sql"
    for _ in range(2):
        assert "crypto_transaction_history.csv: loaded, 310 rows" in database.psql_file(
            script, CSV_DIR=str(folder.path)
        )
    [(rows, first, last)] = database.rows(f"select count(*), min(raw_id), max(raw_id) from {table}")
    assert (rows, last - first) == (310, 309)
    assert first > CUSTOMERS + 310, "the rows of each load are later arrivals than those of the one before"
    assert database.rows(f"select user_id from {table} order by raw_id limit 3") == [(1,), (2,), (3,)]
    assert len(content(database, PAYMENTS)) == CUSTOMERS


def test_seed_raw_fails_where_the_file_is_missing(database: Database, folder: Folder) -> None:
    folder.file("raw.bt_crypto_transaction_history").unlink()
    with pytest.raises(RuntimeError, match=r"crypto_transaction_history[.]csv is missing"):
        database.psql_file(ROOT / "airflow" / "include" / "sql" / "seed_raw.sql", CSV_DIR=str(folder.path))


@pytest.mark.parametrize("script", sorted(path.name for path in INIT_DIR.glob("[1238]*.sql")))
def test_ddl_takes_no_lock_that_an_open_reader_holds_up(database: Database, script: str) -> None:
    """Run again on a database that is up to date, while readers have every table open."""
    with database.connect() as reader, reader.transaction():
        for (table,) in database.rows(
            "select format('%I.%I', schemaname, tablename) from pg_tables"
            " where schemaname in ('raw', 'staging', 'features', 'ops')"
        ):
            reader.execute(f"select 1 from {table} limit 1")
        database.psql_file(INIT_DIR / script, PGOPTIONS="-c statement_timeout=20s")
