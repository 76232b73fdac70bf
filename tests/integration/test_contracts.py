"""Data contracts on a real table: each kind of rule passes, fails, and says what it failed on."""

from datetime import date
from pathlib import Path

import psycopg
import pytest
import yaml

from ml.cli import CommandError
from ml.contracts.check import check, reject_reasons
from ml.contracts.contract import Rule
from ml.settings import settings
from tests.integration.conftest import PASSWORDS

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
    create table ops.known_codes (code text primary key);
    insert into ops.known_codes values ('a'), ('b');
    create table ops.probe (id int, price numeric, units numeric, value numeric, code text, day date, ratio float8);
    insert into ops.probe
    select n, n, 2, n * 2, 'a', date '2019-05-01' + n, 0.5 from generate_series(1, 10) as n;
"""
# what a rule says: the rule, and a change to the ten rows that breaks it
BREAKS: dict[str, tuple[dict, str]] = {
    "known": ({"expect": "num_nulls(id, price) = 0"}, "update ops.probe set price = null where id = 3"),
    "finite": ({"expect": "greatest(price, ratio) < 'infinity'"}, "update ops.probe set ratio = 'NaN' where id = 3"),
    "between": ({"expect": "price between 1 and 10"}, "update ops.probe set price = 10.001 where id = 3"),
    "either": ({"expect": "price <= 5 or code = 'a'"}, "update ops.probe set code = 'b', price = 6 where id = 3"),
    "one of": ({"expect": "code in ('a', 'b')"}, "update ops.probe set code = 'A' where id = 3"),
    "pattern": ({"expect": "code ~ '^[a-z]$'"}, "update ops.probe set code = 'ab' where id = 3"),
    "two columns": ({"expect": "price <= value"}, "update ops.probe set value = 1 where id = 3"),
    "product": ({"expect": "value = price * units"}, "update ops.probe set value = value + 1e-30 where id = 3"),
    "in another table": (
        {"expect": "exists (select from ops.known_codes as known where known.code = checked.code)"},
        "update ops.probe set code = 'c' where id = 3",
    ),
    "unique": ({"unique": "code, day"}, "update ops.probe set day = '2019-05-02' where id = 3"),
    "rows": ({"rows": {"min": 10, "max": 10}}, "delete from ops.probe where id = 3"),
    "share of nulls": ({"share": "code is null", "max": 0.1}, "update ops.probe set code = null where id in (3, 4)"),
    "share": ({"share": "units <> 2", "max": 0.29}, "update ops.probe set units = 1 where id in (3, 4, 5)"),
}


@pytest.fixture
def conn(database):
    """A transaction of the administrator in a database with table ops.probe, ten rows."""
    with database.connect() as admin:
        admin.execute(PROBE)
        admin.autocommit = False
        yield admin
        admin.rollback()


@pytest.fixture
def contract(tmp_path, monkeypatch):
    """Write a contract `probe` on ops.probe with the given rules, and other keys of the file as keywords."""
    monkeypatch.setenv("EXPECTATIONS_DIR", str(tmp_path))
    settings.cache_clear()

    def write(*rules: dict, **keys: object) -> None:
        content = {"table": "ops.probe", "key": "id", **keys, "rules": list(rules)}
        (tmp_path / "probe.yml").write_text(yaml.safe_dump(content, sort_keys=False))

    yield write
    settings.cache_clear()


@pytest.mark.parametrize("what", BREAKS)
def test_rule_passes_and_fails(conn, contract, what):
    rule, change = BREAKS[what]
    contract(rule)
    result = check(conn, "probe", bindings={})
    assert (result.rows_checked, result.rules_checked, result.warnings) == (10, 1, [])

    conn.execute(change)  # not committed: the check is part of the transaction
    kind, said = next(iter(rule.items()))
    with pytest.raises(CommandError) as failure:
        check(conn, "probe", bindings={})
    assert str(failure.value).startswith(f"contract probe.yml is broken in ops.probe: {kind} {said}")
    if kind == "rows":
        assert str(failure.value).endswith(": 9 rows")
    else:
        assert "3" in str(failure.value).split("such as")[1]


@pytest.mark.parametrize("rule", ["price > 3", "price not in (3)", "price between 3 and 4", "not (price = 3)"])
def test_what_is_not_known_breaks_no_rule(conn, contract, rule):
    contract({"expect": rule}, {"unique": "id, price"})
    conn.execute("update ops.probe set id = 1, price = null")
    assert check(conn, "probe", bindings={}).rows_checked == 10


@pytest.mark.parametrize(("bound", "broken_by"), [("min", 3), ("max", 5)])
def test_the_number_of_rows_that_is_allowed_is_allowed(conn, contract, bound, broken_by):
    contract({"rows": {bound: 4}, "where": "id <= 4"})
    check(conn, "probe", bindings={})
    contract({"rows": {bound: 4}, "where": f"id <= {broken_by}"})
    with pytest.raises(CommandError, match="rows"):
        check(conn, "probe", bindings={})


def test_the_share_that_is_allowed_is_allowed(conn, contract):
    contract({"share": "id <= 3", "max": 0.3}, {"share": "id = 1", "max": 0.25, "where": "id <= 4"})
    check(conn, "probe", bindings={})
    contract({"share": "id = 1", "max": 0.24, "where": "id <= 4"})
    with pytest.raises(CommandError, match=r"share id = 1, max 0.24, where id <= 4: 1 of 4 rows, such as 1"):
        check(conn, "probe", bindings={})


def test_every_broken_rule_is_named_with_counts_and_some_keys(conn, contract):
    contract(
        {"expect": "price is not null"},
        {"expect": "code is not null"},
        {"expect": "units <= 1", "where": "id > 1"},
        key="id, day",
    )
    conn.execute("update ops.probe set price = null where id in (4, 7)")
    with pytest.raises(CommandError) as failure:
        check(conn, "probe", bindings={})
    assert str(failure.value) == (
        "contract probe.yml is broken in ops.probe:"
        " expect price is not null: 2 of 10 rows, such as 4 2019-05-05, 7 2019-05-08;"
        " expect units <= 1, where id > 1: 9 of 9 rows, such as 2 2019-05-03, 3 2019-05-04, 4 2019-05-05,"
        " 5 2019-05-06, 6 2019-05-07"
    )


def test_warn_reports_and_goes_on(conn, contract):
    contract({"expect": "units <= 1", "severity": "warn"}, {"rows": {"min": 11}, "severity": "warn"})
    assert check(conn, "probe", bindings={}).warnings == [
        "expect units <= 1: 10 of 10 rows, such as 1, 2, 3, 4, 5",
        "rows {'min': 11}: 10 rows",
    ]


def test_where_of_contract_and_rule_narrow_the_rows(conn, contract):
    contract(
        {"expect": "price <= 5", "where": "id < 6"},
        {"unique": "code", "where": "id = 2"},
        where="day > %(day)s",
    )
    assert check(conn, "probe", bindings={"day": date(2019, 5, 2)}).rows_checked == 9


def test_or_in_a_condition_stays_within_it(conn, contract):
    contract({"expect": "id > 1 or id = 2", "where": "id = 7 or id = 8"}, where="id = 7 or id = 1")
    assert check(conn, "probe", bindings={}).rows_checked == 2


def test_rows_that_arrive_in_the_same_transaction_are_checked(conn, contract):
    contract({"unique": "id"})
    conn.execute("insert into ops.probe (id) values (5)")
    with pytest.raises(CommandError, match="unique id: 2 of 11 rows, such as 5, 5"):
        check(conn, "probe", bindings={})


def test_the_keys_of_many_rows_without_statistics_are_found_fast(database):
    with database.connect() as conn:
        conn.execute("alter table staging.crypto_events set (autovacuum_enabled = false)")
        conn.execute("alter table staging.crypto_events drop constraint crypto_events_attempt_id_fkey")
        conn.execute(
            "insert into staging.crypto_events select 1, n, now(), '{}', 'MEXICO', 1, '2019-05-01', 'BTC',"
            " greatest(n, 2), 1, greatest(n, 2), 'load' from generate_series(1, 20000) as n"
        )
        conn.execute("set statement_timeout = '20s'")  # one look at the duplicates for each row takes minutes
        with pytest.raises(CommandError, match=r"unique site_id, .*: 2 of 20000 rows, such as 1, 2$"):
            check(conn, "bt_crypto_events", bindings={"attempt_id": 1})


def test_all_rules_are_counted_in_one_statement(conn, contract):
    conn.execute("create sequence ops.reads")
    conn.execute("create view ops.probe_read as select *, nextval('ops.reads') from ops.probe offset 0")
    contract({"expect": "price > 0"}, {"expect": "units = 2"}, {"share": "id = 1", "max": 1}, table="ops.probe_read")
    check(conn, "probe", bindings={})
    assert conn.execute("select last_value from ops.reads").fetchone() == (10,)


def test_rules_of_the_caller_are_checked_with_those_of_the_file(conn, contract):
    contract({"expect": "units = 1"})
    added = [Rule(expect="price < 10"), Rule(expect="id <= %(most)s", severity="warn"), Rule(expect="code = 'a'")]
    with pytest.raises(CommandError, match=r"units = 1: 10 of 10 .*; expect price < 10: 1 of 10 rows, such as 10"):
        check(conn, "probe", bindings={"most": 9}, rules=added)
    contract({"expect": "units = 2"})
    result = check(conn, "probe", bindings={"most": 9}, rules=added[1:])
    assert (result.rules_checked, result.warnings) == (3, ["expect id <= %(most)s: 1 of 10 rows, such as 10"])


def test_what_is_bound_is_a_value(conn, contract):
    contract({"expect": "code <> %(code)s"}, {"expect": "code not like '%s%' and code <> '{x}' and id % 1 = 0"})
    check(conn, "probe", bindings={"code": "a' or true) --"})


def test_reject_reasons_name_each_broken_rule(conn, contract):
    contract(
        {"expect": "price < 9", "reject": "100% too dear"},
        {"expect": "code = 'b'", "where": "units = 2", "reject": "unknown"},
        {"expect": "day is not null"},
    )
    reasons = reject_reasons(conn, "probe", bindings={})
    query = psycopg.sql.SQL("select {} from ops.probe as checked where id in (1, 9) order by id").format(reasons)
    assert conn.execute(query).fetchall() == [(None, "unknown"), ("100% too dear", "unknown")]
    with pytest.raises(CommandError, match="expect code = 'b'"):  # and it is checked like any other rule
        check(conn, "probe", bindings={})


def test_a_contract_without_a_reject_rule_sets_nothing_aside(conn, contract):
    contract({"expect": "price < 9"})
    with pytest.raises(CommandError, match=r"contract probe.yml has no rule with reject"):
        reject_reasons(conn, "probe", bindings={})


@pytest.mark.parametrize(
    ("rule", "keys", "message"),
    [
        ({"expect": "colour = 1"}, {}, r'rule 2 \(expect colour = 1\): column "colour" does not exist'),
        ({"expect": "id > 1", "where": "x = 1"}, {}, r'rule 2 .*: column "x" does not exist'),
        ({"share": "x = 1", "max": 0}, {}, r'rule 2 .*: column "x" does not exist'),
        ({"unique": "code, x"}, {}, r'rule 2 .*: column "x" does not exist'),
        ({"unique": "id"}, {"key": "no"}, 'probe.yml, table, key or where: column "no" does not exist'),
        ({"unique": "id"}, {"where": "id = no"}, 'probe.yml, table, key or where: column "no" does not exist'),
        ({"unique": "id"}, {"table": "ops.nowhere"}, 'table, key or where: relation "ops.nowhere" does not exist'),
        ({"expect": "exists (select from ops.no)"}, {}, 'rule 2 .*: relation "ops.no" does not exist'),
        ({"expect": "code in (true)"}, {}, r"rule 2 \(expect code in \(true\)\): operator does not exist"),
        ({"expect": "id > 'many'"}, {}, r"rule 2 \(expect id > 'many'\): invalid input syntax"),
        ({"expect": "id > %(t)s"}, {}, r"rule 2 .*: no binding 't'; bound are: day"),
        ({"unique": "id"}, {"where": "id > %(t)s"}, r"table, key or where: no binding 't'"),
        # not one boolean expression
        ({"expect": "id + 1"}, {}, r"rule 2 .*: argument of WHERE must be type boolean, not type integer"),
        ({"expect": "id > 0, id > 1"}, {}, r"rule 2 .*: syntax error|type record"),
        ({"expect": "count(*) > 0"}, {}, "rule 2 .*: aggregate functions are not allowed"),
        ({"expect": "generate_series(1, id) > 0"}, {}, "rule 2 .*: set-returning functions are not allowed"),
        ({"expect": "is positive"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "true) or (1 = 1"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "id > 0 -- and id < 0"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "id > 0) -- "}, {}, "rule 2 .*: syntax error"),
        ({"expect": "id > 0 /* and id < 0"}, {}, "rule 2 .*: unterminated /\\* comment"),
        ({"expect": "code = 'a"}, {}, "rule 2 .*: (syntax error|unterminated)"),
        ({"expect": "id > 0; select true"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "true); delete from ops.probe; select (true"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "id > 0 group by id"}, {}, "rule 2 .*: syntax error"),
        ({"expect": "id > 0 union all select"}, {}, "rule 2 .*: syntax error"),
        (
            {"expect": "exists (with gone as (delete from ops.probe returning 1) select from gone)"},
            {},
            "rule 2 .*: WITH clause containing a data-modifying statement must be at the top level",
        ),
        ({"share": "true) or (true", "max": 0}, {}, "rule 2 .*: syntax error"),
        ({"expect": "true", "where": "true) or (true"}, {}, "rule 2 .*: syntax error"),
        ({"unique": "id"}, {"where": "true) or (true"}, "table, key or where: syntax error"),
        # understood, but not for every value
        ({"expect": "code ~ '('"}, {}, "rule 2 .*: invalid regular expression"),
        ({"expect": "code::int > 3"}, {}, "rule 2 .*: invalid input syntax for type integer"),
        ({"expect": "1 / (id - 3) < 5"}, {}, "rule 2 .*: division by zero"),
    ],
)
def test_rules_that_do_not_fit_the_table_are_named(conn, contract, rule, keys, message):
    contract({"expect": "id > 0"}, rule, {"expect": "true", "reject": "never"}, **keys)
    with pytest.raises(CommandError, match=message):
        check(conn, "probe", bindings={"day": date(2019, 5, 1)})
    assert conn.execute("select count(*) from ops.probe").fetchone() == (10,)  # the transaction can go on


@pytest.mark.parametrize("rule", [{"expect": "colour = 1"}, {"expect": "true) or (1 = 1"}, {"expect": "id > 0 --"}])
def test_reject_reasons_of_a_rule_that_is_not_understood(conn, contract, rule):
    contract({**rule, "reject": "wrong"})
    with pytest.raises(CommandError, match=r"contract probe.yml, rule 1 \(expect .*, reject wrong\): "):
        reject_reasons(conn, "probe", bindings={})


@pytest.mark.parametrize(
    "path", sorted((ROOT / "airflow/include/expectations").glob("*.yml")), ids=lambda path: path.stem
)
def test_contracts_of_the_project_fit_their_tables(database, path):
    bindings = {"snapshot_date": date(2019, 5, 26), "churn_days": 60, "attempt_id": 1}
    message = ""
    with database.connect(user="meli_pipeline", password=PASSWORDS["PIPELINE_DB_PASSWORD"]) as conn:
        try:
            check(conn, path.stem, bindings=bindings)
        except CommandError as failure:  # an empty table may hold too few rows, but every rule must be understood
            message = str(failure)
    assert not message or message.startswith(f"contract {path.name} is broken")
