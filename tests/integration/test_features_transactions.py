"""One snapshot is one transaction: reruns, kills, readers and other writers at the same time; and the DAG."""

import pytest

from tests.integration.churn_snapshots import build, rows, run_sql
from tests.integration.conftest import ROOT
from tests.integration.faults import Running, idle_reader, kill_inside, stopped_inside

TABLE = "features.churn_weekly_features"
T, OTHER = "2019-05-26", "2019-04-28"
COMMAND = ("ml.features", "--snapshot-date", T)
COUNT = f"select count(*) from {TABLE} where snapshot_date = '{T}'"
CHANGE = "update raw.payments set spent = spent + 1, descuento = descuento + 1"
DDL = ROOT / "docker" / "postgres" / "init" / "50_features_tables.sql"


def builds(database):
    """The record of builds, without run ids and times."""
    return database.rows(
        "select snapshot_date, sources, feature_sql_digest, rows_built, rows_inactive_60d,"
        " label_sources, labels_known_through, labels_rule from ops.current_feature_builds order by 1"
    )


def test_a_rerun_gives_the_same_rows_and_report(seeded):
    first = build(seeded, T)
    before, record = rows(seeded, T), builds(seeded)
    assert build(seeded, T) == first
    assert rows(seeded, T) == before
    assert builds(seeded) == record
    assert seeded.rows(f"select count(*) from {TABLE}") == [(len(before),)]


def test_the_order_of_builds_does_not_matter(seeded, new_database, seeded_template):
    other = new_database(seeded_template)
    for t in (T, OTHER):
        build(seeded, t)
    for t in (OTHER, T, OTHER):
        build(other, t)
    for t in (T, OTHER):
        assert rows(seeded, t) == rows(other, t)


@pytest.mark.parametrize("built_before", [False, True], ids=["first build", "rebuild"])
@pytest.mark.parametrize("within_s", [0.0, 0.05], ids=["after the rows", "any moment"])
def test_killed_inside_its_transaction_and_run_again(seeded, new_database, seeded_template, built_before, within_s):
    reference = new_database(seeded_template)
    for database in (seeded, reference):
        if built_before:
            build(database, T)
        run_sql(database, CHANGE)
    before = rows(seeded, T)
    kill_inside(seeded, *COMMAND, writes=TABLE, hold="ops.feature_builds", within_s=within_s)
    assert rows(seeded, T) == before
    build(seeded, T)
    build(reference, T)
    assert rows(seeded, T) == rows(reference, T) != before
    assert builds(seeded) == builds(reference)


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_readers_see_whole_snapshots_only(seeded, isolation):
    build(seeded, T)
    whole = seeded.rows(f"select count(*), sum(spent_90d) from {TABLE} where snapshot_date = '{T}'")
    query = f"select count(*), sum(spent_90d) from {TABLE} where snapshot_date = '{T}'"
    run_sql(seeded, CHANGE, "insert into raw.payments values ('2019-05-25', 1, 900000000, 10, 'Transport', 0)")
    with seeded.connect() as reader:
        reader.execute(f"begin isolation level {isolation} read only")
        assert reader.execute(query).fetchall() == whole
        with stopped_inside(seeded, *COMMAND, writes=TABLE, hold="ops.feature_builds") as running:
            assert reader.execute(query).fetchall() == whole
            assert seeded.rows(query) == whole
        assert running.finish().returncode == 0
        after = seeded.rows(query)
        assert after[0][0] == whole[0][0] + 1
        assert reader.execute(query).fetchall() == (whole if isolation == "repeatable read" else after)


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_an_idle_reader_holds_nobody_up(seeded, isolation):
    build(seeded, OTHER)
    with idle_reader(seeded, f"select count(*) from {TABLE}", isolation):
        build(seeded, T)  # a new partition
        build(seeded, OTHER)  # one that the reader has read
        seeded.psql_file(DDL)
        assert seeded.rows(COUNT) != [(0,)]


def test_a_reader_is_not_held_up_by_a_first_build(seeded):
    with stopped_inside(seeded, *COMMAND, writes=TABLE, hold="ops.feature_builds") as running:
        run_sql(seeded, "set statement_timeout = '5s'", COUNT, f"select * from {TABLE} limit 1")
        assert seeded.rows(COUNT) == [(0,)]
    assert running.finish().returncode == 0


def test_two_writers_take_turns(seeded):
    with stopped_inside(seeded, *COMMAND, writes=TABLE, hold="ops.feature_builds") as first:
        second = Running(seeded, *COMMAND)
        second.wait_for(
            lambda: seeded.rows("select from pg_locks where locktype = 'advisory' and not granted"),
            "the second writer waiting for its turn",
        )
    assert first.finish().returncode == 0
    done = second.finish()
    assert done.returncode == 0, done.stderr
    assert seeded.rows(COUNT) == [(len(rows(seeded, T)),)]


def test_files_loaded_meanwhile_stop_the_build(seeded):
    with stopped_inside(seeded, *COMMAND, writes=TABLE, hold="ops.feature_builds") as running:
        run_sql(seeded, "update ops.stated_dates set payments_known_through = '2019-06-29'")
    done = running.finish()
    assert done.returncode == 75
    assert "files were loaded while snapshot 2019-05-26 was being built; run it again" in done.stderr
    assert seeded.rows(COUNT) == [(0,)]


def test_an_old_table_is_brought_up_to_date(seeded):
    build(seeded, T)
    before = rows(seeded, T)
    run_sql(
        seeded,
        f"alter table {TABLE} drop column segments_90d, drop column estado",
        f"comment on column {TABLE}.spent_7d is 'old'",
    )
    seeded.psql_file(DDL)
    build(seeded, T)
    assert rows(seeded, T) == before
    comment = seeded.rows(
        f"select col_description(attrelid, attnum) from pg_attribute"
        f" where attrelid = '{TABLE}'::regclass and attname = 'spent_7d'"
    )
    assert comment == [("Pesos paid in the 7 days before snapshot_date; 0 = no payment.",)]


def test_without_the_catalogue_the_table_stays_as_it_is_and_the_message_says_why(seeded):
    with pytest.raises(RuntimeError, match="printed no columns"):
        seeded.psql_file(DDL, ML_PYTHON="/no/such/python")


@pytest.mark.parametrize("table", ["ops.raw_loads", "raw.payments", "pg_catalog.pg_class"])
def test_only_tables_cut_by_snapshot_get_partitions(seeded, table):
    import psycopg

    with pytest.raises(psycopg.errors.RaiseException, match="needs a partitioned table of features or ops"):
        seeded.rows("select ops.ensure_snapshot_partition(%(table)s::regclass, '2019-05-26')", {"table": table})


def test_the_dag_builds_the_snapshot_of_its_date(seeded, airflow):
    done = airflow.test("churn_feature_build_w", T, seeded)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    through_airflow = rows(seeded, T)
    build(seeded, T)
    assert rows(seeded, T) == through_airflow != {}


def test_the_dag_fails_for_a_date_outside_the_covered_range(seeded, airflow):
    done = airflow.test("churn_feature_build_w", "2019-07-07", seeded)
    assert done.returncode == 1
    assert "outside the covered range" in done.stdout + done.stderr
