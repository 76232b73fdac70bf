"""The fault helpers themselves: a kill that misses the transaction must fail the test that asked for it."""

import psycopg
import pytest

from tests.integration.faults import idle_reader, kill_inside, stopped_inside

WRITE_AND_COMMIT = """
import time
from ml.utils_io import connect
with connect(application_name="writer") as conn:
    conn.execute("insert into probe values (1)")
    conn.execute("insert into late values (1)")
"""


@pytest.fixture
def writer(cluster, tmp_path, monkeypatch, database):
    """Module name of a command that writes tables probe and late in one transaction."""
    with database.connect() as conn:
        conn.execute("create table probe (x int); create table late (x int)")
        conn.execute("grant all on probe, late to public")
    (tmp_path / "faulty_writer.py").write_text(WRITE_AND_COMMIT)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "faulty_writer"


def test_kill_inside_aborts_the_transaction(database, writer):
    kill_inside(database, writer, writes="probe", hold="late")
    assert database.rows("select * from probe") == []


def test_kill_that_never_sees_the_state_fails(database, writer):
    with pytest.raises(AssertionError, match="ended before"):
        kill_inside(database, writer, writes="pg_class")


def test_stopped_command_goes_on_afterwards(database, writer):
    with stopped_inside(database, writer, writes="probe", hold="late") as running:
        assert database.rows("select * from probe") == []
    assert running.finish().returncode == 0
    assert running.outcome(database) == "committed"
    assert database.rows("select * from probe") == [(1,)]


def test_idle_reader_keeps_its_snapshot(database, writer):
    with idle_reader(database, "select * from probe") as reader:
        assert database.run(writer).returncode == 0
        assert reader.execute("select * from probe").fetchall() == []
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("insert into probe values (2)")
