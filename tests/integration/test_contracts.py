"""Data contracts on a real table: each kind of rule passes, fails, and says what it failed on."""

from datetime import date
from pathlib import Path

import psycopg
import pytest
import yaml

from ml.cli import CommandError
from ml.contract_schema import RULES
from ml.contracts import check, reject_reasons
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
# kind: the rule, and a change to the ten rows that breaks it
BREAKS: dict[str, tuple[dict, str]] = {
    "not_null": ({"columns": ["id", "price"]}, "update ops.probe set price = null where id = 3"),
    "finite": ({"columns": ["price", "ratio"]}, "update ops.probe set ratio = 'NaN' where id = 3"),
    "between": ({"columns": ["price"], "min": 1, "max": 10}, "update ops.probe set price = 10.001 where id = 3"),
    "in_set": ({"columns": ["code"], "values": ["a", "b"]}, "update ops.probe set code = 'A' where id = 3"),
    "matches": ({"columns": ["code"], "pattern": "^[a-z]$"}, "update ops.probe set code = 'ab' where id = 3"),
    "compare": (
        {"column": "price", "op": "<=", "right": {"column": "value"}},
        "update ops.probe set value = 1 where id = 3",
    ),
    "equals_product": (
        {"column": "value", "factors": ["price", "units"]},
        "update ops.probe set value = value + 1e-30 where id = 3",
    ),
    "foreign_key": (
        {"columns": ["code"], "references": "ops.known_codes", "references_columns": ["code"]},
        "update ops.probe set code = 'c' where id = 3",
    ),
    "unique": ({"columns": ["code", "day"]}, "update ops.probe set day = '2019-05-02' where id = 3"),
    "row_count": ({"min": 10, "max": 10}, "delete from ops.probe where id = 3"),
    "max_null_share": ({"columns": ["code"], "max": 0.1}, "update ops.probe set code = null where id in (3, 4)"),
    "max_share": (
        {"of": [{"column": "units", "op": "<>", "value": 2}], "max": 0.29},
        "update ops.probe set units = 1 where id in (3, 4, 5)",
    ),
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
        content = {"table": "ops.probe", "key": ["id"], **keys, "rules": list(rules)}
        (tmp_path / "probe.yml").write_text(yaml.safe_dump(content))

    yield write
    settings.cache_clear()


def test_every_rule_kind_has_a_fixture_that_breaks_it():
    assert set(BREAKS) == set(RULES)


@pytest.mark.parametrize("kind", BREAKS)
def test_rule_passes_and_fails(conn, contract, kind):
    arguments, change = BREAKS[kind]
    contract({"rule": kind, **arguments})
    result = check(conn, "probe", bindings={})
    assert (result.rows_checked, result.rules_checked, result.warnings) == (10, 1, [])

    conn.execute(change)  # not committed: the check is part of the transaction
    with pytest.raises(CommandError, match=f"contract probe is broken in ops.probe: {kind}") as failure:
        check(conn, "probe", bindings={})
    if kind != "row_count":
        assert "such as" in str(failure.value)
        assert "3" in str(failure.value).split("such as")[1]


@pytest.mark.parametrize(
    ("bounds", "value", "holds"),
    [
        ({"min": 3}, 3, True),
        ({"above": 3}, 3, False),
        ({"max": 3}, 3, True),
        ({"below": 3}, 3, False),
        ({"max": 0.1}, "0.1", True),
        ({"above": 0.1}, "0.1", False),
        ({"min": 3}, None, True),
    ],
)
def test_between_borders(conn, contract, bounds, value, holds):
    contract({"rule": "between", "columns": ["price"], **bounds})
    conn.execute("update ops.probe set price = %s", (value,))
    if holds:
        check(conn, "probe", bindings={})
    else:
        with pytest.raises(CommandError, match="between price"):
            check(conn, "probe", bindings={})


def test_every_broken_rule_is_named_with_counts_and_some_keys(conn, contract):
    contract(
        {"rule": "not_null", "columns": ["price", "code"], "reason": "must be known"},
        {"rule": "between", "columns": ["units"], "max": 1},
    )
    conn.execute("update ops.probe set price = null where id in (4, 7)")
    with pytest.raises(CommandError) as failure:
        check(conn, "probe", bindings={})
    assert str(failure.value) == (
        "contract probe is broken in ops.probe: not_null price (must be known): 2 of 10 rows, such as 4, 7;"
        " between units max=1: 10 of 10 rows, such as 1, 2, 3, 4, 5"
    )


def test_warn_reports_and_goes_on(conn, contract):
    contract({"rule": "between", "columns": ["units"], "max": 1, "severity": "warn"})
    assert check(conn, "probe", bindings={}).warnings == ["between units max=1: 10 of 10 rows, such as 1, 2, 3, 4, 5"]


def test_where_of_contract_and_rule_narrow_the_rows(conn, contract):
    contract(
        {"rule": "between", "columns": ["price"], "max": 5, "where": [{"column": "id", "op": "<", "value": 6}]},
        {"rule": "unique", "columns": ["code"], "where": [{"column": "id", "op": "=", "value": 2}]},
        where=[{"column": "day", "op": ">", "value": {"binding": "day"}}],
    )
    assert check(conn, "probe", bindings={"day": date(2019, 5, 2)}).rows_checked == 9


def test_rows_that_arrive_in_the_same_transaction_are_checked(conn, contract):
    contract({"rule": "unique", "columns": ["id"]})
    conn.execute("insert into ops.probe (id) values (5)")
    with pytest.raises(CommandError, match="unique id: 2 of 11 rows"):
        check(conn, "probe", bindings={})


def test_text_from_a_contract_is_never_sql(conn, contract):
    contract(
        {"rule": "in_set", "columns": ["code"], "values": ["a", "'); drop table ops.probe; --", "100%", "%s", "{x}"]},
        {"rule": "matches", "columns": ["code"], "pattern": "^(a|'|%s|\\\\)$"},
    )
    check(conn, "probe", bindings={})
    assert conn.execute("select count(*) from ops.probe").fetchone() == (10,)


def test_reject_reasons_name_each_broken_rule(conn, contract):
    contract(
        {"rule": "between", "columns": ["price"], "below": 9, "severity": "reject", "reason": "100% too dear"},
        {"rule": "in_set", "columns": ["code"], "values": ["b"], "severity": "reject", "reason": "unknown"},
        {"rule": "not_null", "columns": ["day"]},
    )
    reasons = reject_reasons(conn, "probe", bindings={})
    query = psycopg.sql.SQL("select {} from ops.probe as checked where id in (1, 9) order by id").format(reasons)
    assert conn.execute(query).fetchall() == [(None, "unknown"), ("100% too dear", "unknown")]
    with pytest.raises(CommandError, match="in_set code"):  # and it is checked like any other rule
        check(conn, "probe", bindings={})


@pytest.mark.parametrize(
    ("rules", "keys", "message"),
    [
        (
            [{"rule": "not_null", "columns": ["colour"]}],
            {},
            r"rule 1 \(not_null\): ops.probe has no column colour; .*id",
        ),
        ([{"rule": "compare", "column": "id", "op": "<", "right": {"column": "x"}}], {}, "has no column x"),
        ([{"rule": "max_share", "of": [{"column": "x", "op": "=", "value": 1}], "max": 0}], {}, "has no column x"),
        ([{"rule": "unique", "columns": ["id"]}], {"key": ["no"]}, "key or where: ops.probe has no column no"),
        ([{"rule": "unique", "columns": ["id"]}], {"table": "ops.nowhere"}, "table ops.nowhere does not exist"),
        (
            [{"rule": "foreign_key", "columns": ["id"], "references": "ops.no", "references_columns": ["id"]}],
            {},
            "rule 1 .*: table ops.no does not exist",
        ),
        (
            [{"rule": "unique", "columns": ["id"]}, {"rule": "in_set", "columns": ["code"], "values": [True]}],
            {},
            r"probe.yml, in_set code values=\[True\]: operator does not exist",
        ),
        ([{"rule": "between", "columns": ["id"], "min": "many"}], {}, "between id min=many: invalid input syntax"),
        ([{"rule": "matches", "columns": ["code"], "pattern": "("}], {}, "invalid regular expression"),
        ([{"rule": "between", "columns": ["id"], "min": {"binding": "t"}}], {}, "no binding 't'; bound are: day"),
    ],
)
def test_rules_that_do_not_fit_the_table_are_named(conn, contract, rules, keys, message):
    contract(*rules, **keys)
    with pytest.raises(CommandError, match=message):
        check(conn, "probe", bindings={"day": date(2019, 5, 1)})


@pytest.mark.parametrize(
    "path", sorted((ROOT / "airflow/include/expectations").glob("*.yml")), ids=lambda path: path.stem
)
def test_contracts_of_the_project_fit_their_tables(database, path):
    bindings = {"snapshot_date": date(2019, 5, 26), "attempt_id": 1}
    message = ""
    with database.connect(user="meli_pipeline", password=PASSWORDS["PIPELINE_DB_PASSWORD"]) as conn:
        try:
            check(conn, path.stem, bindings=bindings)
        except CommandError as failure:  # an empty table may hold too few rows, but every rule must be understood
            message = str(failure)
    assert not message or message.startswith(f"contract {path.stem} is broken")
