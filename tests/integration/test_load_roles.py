"""What each database role may do, and what it may not."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.integration.conftest import PASSWORDS, ROOT, Database
from tests.integration.load_files import INIT_DIR, Folder

ROLES = {
    "meli_pipeline": "PIPELINE_DB_PASSWORD",
    "meli_reader": "READER_DB_PASSWORD",
    "meli_notebook": "NOTEBOOK_DB_PASSWORD",
    "meli_campaign": "CAMPAIGN_DB_PASSWORD",
    "meli_airflow": "AIRFLOW_DB_PASSWORD",
    "meli_mlflow": "MLFLOW_DB_PASSWORD",
}
RECORDS = ("ops.raw_loads", "ops.raw_rejects", "ops.stated_dates", "ops.campaigns", "ops.campaign_assignments")
TABLES = "select format('%%I.%%I', schemaname, tablename) from pg_tables where schemaname = any(%(schemas)s) order by 1"
DENIED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)


@pytest.fixture(scope="module")
def stack(
    new_database: Callable[[str], Database], empty_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Database:
    """A loaded database with everything applied to itself: rights on a database are not copied from a template."""
    database = new_database(empty_template)
    folder = Folder(tmp_path_factory.mktemp("roles") / "csv")
    env = {**PASSWORDS, "CSV_DIR": str(folder.path), "POSTGRES_DB": database.name}
    database.cluster.apply_init(database.name, env, load=True)
    return database


def connect(database: Database, role: str) -> psycopg.Connection:
    return database.connect(role, PASSWORDS[ROLES[role]])


def refused(conn: psycopg.Connection, statement: str) -> bool:
    try:
        conn.execute(statement)
    except DENIED:
        return True
    return False


def tables(database: Database, *schemas: str) -> list[str]:
    return [table for (table,) in database.rows(TABLES, {"schemas": list(schemas)})]


@pytest.mark.parametrize("role", ["meli_pipeline", "meli_reader", "meli_notebook"])
def test_reads_every_table(stack: Database, role: str) -> None:
    with connect(stack, role) as conn:
        for table in [*tables(stack, "raw", "staging", "features", "ops"), "ops.current_data"]:
            conn.execute(f"select * from {table} limit 1")


@pytest.mark.parametrize("role", ["meli_reader", "meli_notebook"])
def test_readers_write_nothing(stack: Database, role: str) -> None:
    with connect(stack, role) as conn:
        conn.execute("set default_transaction_read_only = off")  # a convenience, not what holds them back
        for table in tables(stack, "raw", "staging", "features", "ops"):
            for statement in (
                f"insert into {table} default values",
                f"delete from {table}",
                f"truncate {table}",
                f"drop table {table}",
                f"do $$ begin lock table {table} in exclusive mode; end $$",
            ):
                assert refused(conn, statement), statement
        for statement in (
            "create table raw.mine ()",
            "create table public.mine ()",
            "create schema mine",
            "create temporary table mine ()",
            "copy raw.evaluate to program 'cat'",
            "select pg_read_file('/etc/passwd')",
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'meli'",
            "alter role meli_reader superuser",
            "set role meli_pipeline",
        ):
            assert refused(conn, statement), statement


def test_reader_creates_nothing_even_in_the_sandbox(stack: Database) -> None:
    with connect(stack, "meli_reader") as conn:
        assert refused(conn, "create table sandbox.mine ()")


def test_notebook_has_a_sandbox_of_its_own(stack: Database) -> None:
    with connect(stack, "meli_notebook") as conn:
        conn.execute("create table mine as select * from raw.evaluate")
        assert conn.execute("select count(*) from sandbox.mine").fetchone() == (300,)
        conn.execute("drop table mine")


def test_campaigns_are_all_that_their_role_writes(stack: Database) -> None:
    with connect(stack, "meli_campaign") as conn:
        for table in tables(stack, "raw", "staging", "features", "ops"):
            assert refused(conn, f"delete from {table}"), table
            assert refused(conn, f"truncate {table}"), table
            if table not in ("ops.campaigns", "ops.campaign_assignments"):
                assert refused(conn, f"insert into {table} default values"), table
        for statement in ("create table ops.mine ()", "create temporary table mine ()", "set role meli_pipeline"):
            assert refused(conn, statement), statement


def test_pipeline_writes_all_but_raw_and_the_records_of_people(stack: Database) -> None:
    with connect(stack, "meli_pipeline") as conn:
        for table in [*tables(stack, "raw"), *RECORDS]:
            assert refused(conn, f"insert into {table} default values"), table
            assert refused(conn, f"delete from {table}"), table
        for table in set(tables(stack, "staging", "features", "ops")) - set(RECORDS):
            conn.execute(f"delete from {table} where false")
        conn.execute("create temporary table own ()")
        for statement in (
            "create table ops.mine ()",
            "drop table ops.raw_loads",
            "select ops.ensure_column('ops.raw_loads', 'x', 'int')",
            "copy raw.evaluate from '/etc/passwd'",
            "create role mine",
            "create database mine",
        ):
            assert refused(conn, statement), statement


def test_what_is_created_later_can_be_read_and_written_too(stack: Database) -> None:
    with stack.connect() as owner, connect(stack, "meli_pipeline") as pipeline, connect(stack, "meli_reader") as reader:
        owner.execute("create table features.later (one int generated always as identity, two int)")
        pipeline.execute("insert into features.later (two) values (2)")
        assert reader.execute("select * from features.later").fetchall() == [(1, 2)]
        assert refused(reader, "insert into features.later (two) values (3)")
        owner.execute("drop table features.later")


@pytest.mark.parametrize(
    ("role", "database"),
    [
        ("meli_airflow", None),
        ("meli_mlflow", None),
        ("meli_reader", "airflow"),
        ("meli_reader", "mlflow"),
        ("meli_reader", "postgres"),
        ("meli_notebook", "airflow"),
        ("meli_notebook", "mlflow"),
        ("meli_campaign", "airflow"),
        ("meli_campaign", "mlflow"),
        ("meli_pipeline", "airflow"),
        ("meli_pipeline", "mlflow"),
        ("meli_airflow", "mlflow"),
        ("meli_mlflow", "airflow"),
        ("meli_mlflow", "template1"),
    ],
)
def test_enters_no_database_but_its_own(stack: Database, role: str, database: str | None) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        connect(Database(stack.cluster, database or stack.name), role)


@pytest.mark.parametrize(("role", "database"), [("meli_airflow", "airflow"), ("meli_mlflow", "mlflow")])
def test_service_owns_its_database(stack: Database, role: str, database: str) -> None:
    with connect(Database(stack.cluster, database), role) as conn:
        conn.execute("create schema own")
        conn.execute("drop schema own")


def test_idle_readers_and_long_statements_time_out(stack: Database) -> None:
    for role in ("meli_reader", "meli_notebook"):
        with connect(stack, role) as conn:
            for setting in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout"):
                assert conn.execute(f"select current_setting('{setting}') <> '0'").fetchone() == (True,), setting


PASSWORD = "p@ss %:/$#'\"\\ {}ñ"


def test_changed_password_takes_effect(stack: Database) -> None:
    script = INIT_DIR / "10_roles_and_schemas.sql"
    try:
        stack.psql_file(script, READER_DB_PASSWORD=PASSWORD)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(stack, "meli_reader")
        with stack.connect("meli_reader", PASSWORD) as conn:
            assert conn.execute("select current_user").fetchone() == ("meli_reader",)
    finally:
        stack.psql_file(script)


def test_passwords_are_not_in_the_server_log(stack: Database) -> None:
    log = stack.cluster.data_dir.with_suffix(".log")
    before = log.stat().st_size
    with stack.connect() as owner:
        owner.execute("alter system set log_statement = 'all'")
        owner.execute("select pg_reload_conf()")
    try:
        stack.psql_file(INIT_DIR / "10_roles_and_schemas.sql", READER_DB_PASSWORD="unheard-of")
        stack.psql_file(INIT_DIR / "10_roles_and_schemas.sql")
        with log.open(encoding="utf-8") as file:
            file.seek(before)
            written = file.read()
        assert "create schema if not exists raw" in written
        assert "unheard-of" not in written
    finally:
        with stack.connect() as owner:
            owner.execute("alter system reset log_statement")
            owner.execute("select pg_reload_conf()")


def test_rights_widened_by_hand_are_narrowed_again(stack: Database, tmp_path: Path) -> None:
    with stack.connect() as owner:
        owner.execute("grant insert on raw.evaluate to meli_reader; grant create on schema raw to public")
        owner.execute("alter role meli_notebook with createrole")
    for script in ("10_roles_and_schemas.sql", "80_grants.sql"):
        stack.psql_file(INIT_DIR / script)
    with connect(stack, "meli_reader") as conn:
        conn.execute("set default_transaction_read_only = off")
        assert refused(conn, "insert into raw.evaluate values (999, 1)")
        assert refused(conn, "create table raw.mine ()")
    assert stack.rows("select rolcreaterole from pg_roles where rolname = 'meli_notebook'") == [(False,)]


def test_comments_say_what_every_table_and_column_is(stack: Database) -> None:
    silent = stack.rows("""
        select c.oid::regclass, a.attname
        from pg_class as c
        left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace::regnamespace::text in ('raw', 'staging', 'features', 'ops')
          and c.relkind in ('r', 'p', 'v') and not c.relispartition
          and (obj_description(c.oid, 'pg_class') is null or col_description(c.oid, a.attnum) is null)
    """)
    assert silent == [], f"in {ROOT.name}/docker/postgres/init"
