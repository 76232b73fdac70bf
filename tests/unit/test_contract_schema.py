"""What a contract file may say: every slip is an error that names the file and the place."""

from datetime import date
from pathlib import Path

import pytest

from ml.cli import CommandError
from ml.contract_schema import RULES
from ml.contracts import load
from ml.settings import settings

ROOT = Path(__file__).resolve().parents[2]
HEAD = "table: ops.t\nkey: [id]\n"


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Load a contract with the given text."""
    monkeypatch.setenv("EXPECTATIONS_DIR", str(tmp_path))
    settings.cache_clear()

    def read(text: str | bytes):
        (tmp_path / "c.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return load("c")

    yield read
    settings.cache_clear()


def test_numbers_keep_the_digits_that_were_written(read):
    rule = read(HEAD + "rules: [{rule: between, columns: [a], min: 0.1, above: 86400.0, max: 3}]").rules[0]
    assert [repr(bound) for bound in (rule.min, rule.above, rule.max)] == ["Decimal('0.1')", "Decimal('86400.0')", "3"]


def test_dates_and_texts_stay_what_they_are(read):
    rule = read(HEAD + "rules: [{rule: in_set, columns: [a], values: [2019-05-26, '2019-05-26', '5', 5, true]}]").rules[
        0
    ]
    assert rule.values == [date(2019, 5, 26), "2019-05-26", "5", 5, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yml: : Input should be a valid dictionary"),
        ("table: [", "c.yml is not YAML: .*line"),
        (b"table: \xff", "c.yml is not YAML"),
        (HEAD, "c.yml: rules: Field required"),
        (HEAD + "rules: []", "c.yml: rules: .*at least 1 item"),
        (HEAD + "rules: [not_null]", "rule 1: 'not_null' is not of the form {rule: "),
        (HEAD + "rules: [{rule: not_nil, columns: [a]}]", "rule 1: unknown rule 'not_nil'; known: not_null, finite"),
        (HEAD + "rules: [{columns: [a]}]", "rule 1: unknown rule None"),
        (HEAD + "rules: [{rule: not_null}]", "rules.0.not_null.columns: Field required"),
        (HEAD + "rules: [{rule: not_null, columns: []}]", "at least 1 item"),
        (HEAD + "rules: [{rule: not_null, columns: ['a; drop']}]", "columns.0: String should match pattern"),
        (HEAD + "rules: [{rule: not_null, columns: [a], sverity: warn}]", "sverity: Extra inputs"),
        (HEAD + "rules: [{rule: not_null, columns: [a], severity: stop}]", "severity: .*'fail', 'warn' or 'reject'"),
        (HEAD + "rules: [{rule: not_null, columns: [a], severity: reject}]", "severity reject needs a reason"),
        (HEAD + "rules: [{rule: row_count, min: 1, severity: reject, reason: x}]", "rules that speak of one row"),
        (HEAD + "rules: [{rule: row_count}]", "give at least one of min, max"),
        (HEAD + "rules: [{rule: between, columns: [a]}]", "give at least one of min, above, max, below"),
        (HEAD + "rules: [{rule: in_set, columns: [a], values: []}]", "values: .*at least 1 item"),
        (HEAD + "rules: [{rule: max_null_share, columns: [a], max: 10}]", "less than or equal to 1"),
        (HEAD + "rules: [{rule: equals_product, column: a, factors: [b]}]", "factors: .*at least 2 items"),
        (
            HEAD + "rules: [{rule: foreign_key, columns: [a], references: o.t, references_columns: [a, b]}]",
            "differ in number",
        ),
        (HEAD + "rules: [{rule: compare, column: a, op: like, right: x}]", "op: Input should be '=', '<>'"),
        (HEAD + "rules: [{rule: max_share, of: [{column: a, op: is null, value: 1}], max: 0}]", "takes no value"),
        (HEAD + "rules: [{rule: max_share, of: [{column: a, op: '='}], max: 0}]", "takes a value"),
        ("table: t\nkey: [id]\nrules: [{rule: row_count, min: 1}]", "table: String should match pattern"),
        (HEAD + "key: [b]\nrules: [{rule: row_count, min: 1}]", "key 'key' is given twice"),
    ],
)
def test_slips_are_named(read, text, message):
    with pytest.raises(CommandError, match=message):
        read(text)


def test_unknown_contract_lists_the_known(read):
    read(HEAD + "rules: [{rule: row_count, min: 1}]")
    with pytest.raises(CommandError, match=r"no contract 'other' in .*; there are: c"):
        load("other")


def test_every_rule_kind_is_documented():
    guide = (ROOT / "airflow/include/expectations/README.md").read_text()
    assert [kind for kind in RULES if f"| `{kind}` |" not in guide] == []
