"""What a contract file may say: every slip is an error that names the file and the rule."""

import pytest

from ml.cli import CommandError
from ml.contracts.contract import load
from ml.settings import settings

HEAD = "table: ops.t\nkey: id\n"


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


def test_a_rule_is_named_as_the_file_says_it(read):
    text = "rules: [{expect: a > 0, where: b = 1, reject: too low}, {share: a is null, max: 0.10, severity: warn}]"
    rules = read(HEAD + text).rules
    assert [str(rule) for rule in rules] == ["expect a > 0, where b = 1, reject too low", "share a is null, max 0.1"]


def test_a_rule_of_several_lines_is_named_on_one(read):
    [rule] = read(HEAD + "rules:\n  - expect: |\n      a > 0\n      or b > 0\n").rules
    assert str(rule) == "expect a > 0 or b > 0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "c.yml, the file: Input should be a valid dictionary"),
        ("table: [", "c.yml is not YAML: .*line"),
        (b"table: \xff", "c.yml is not YAML"),
        (HEAD, "c.yml, rules: Field required"),
        (HEAD + "rules: []", "c.yml, rules: .*at least 1 item"),
        (HEAD + "rules: [a > 0]", "c.yml, rule 1 a > 0: Input should be a valid dictionary"),
        (HEAD + "rules: [{rule: not_null, columns: [a]}]", r"c.yml, rule 1 .*'not_null'.*: rule: Extra inputs"),
        (HEAD + "rules: [{expect: a > 0}, {severity: warn}]", "rule 2 {'severity': 'warn'}: .*give one of"),
        (HEAD + "rules: [{expect: a > 0, unique: a}]", "rule 1 .*give one of expect, unique, rows, share"),
        (HEAD + "rules: [{expect: a > 0}, {expect: b > 0, sverity: warn}]", "rule 2 .*'b > 0'.*: sverity: Extra"),
        (HEAD + "rules: [{expect: a > 0, severity: stop}]", "rule 1 .*'a > 0'.*: severity: .*'fail' or 'warn'"),
        (HEAD + "rules: [{expect: num_nulls(a, b) = 0}]", r"rule 1 .*'num_nulls\(a'.*: b\) = 0: Extra inputs"),
        (HEAD + "rules: [{expect: ' '}]", "rule 1 .*expect: String should have at least 1 character"),
        (HEAD + "rules: [{expect: true}]", "rule 1 .*expect: Input should be a valid string"),
        (HEAD + "rules: [{unique: [a, b]}]", "rule 1 .*unique: Input should be a valid string"),
        (HEAD + "rules: [{rows: {min: 1}, reject: x}]", "rule 1 .*reject with expect"),
        (HEAD + "rules: [{rows: {}}]", "rule 1 .*rows: .*at least 1 item"),
        (HEAD + "rules: [{rows: {least: 1}}]", "rule 1 .*rows: least.*: Input should be 'min' or 'max'"),
        (HEAD + "rules: [{rows: {min: many}}]", "rule 1 .*rows: min: Input should be a valid integer"),
        (HEAD + "rules: [{share: a is null}]", "rule 1 .*max goes with share"),
        (HEAD + "rules: [{expect: a > 0, max: 0.5}]", "rule 1 .*max goes with share"),
        (HEAD + "rules: [{share: a is null, max: 10}]", "rule 1 .*max: .*less than or equal to 1"),
        ("table: t\nkey: id\nrules: [{rows: {min: 1}}]", "c.yml, table: String should match pattern"),
        (HEAD + "key: b\nrules: [{rows: {min: 1}}]", "key 'key' is given twice"),
        (HEAD + "rules:\n  - rows: {min: 1}\n  - expect: a > 0\n    expect: b > 0\n", "'expect' is given twice.*a > 0"),
    ],
)  # fmt: skip
def test_slips_are_named(read, text, message):
    with pytest.raises(CommandError, match=message):
        read(text)


def test_unknown_contract_lists_the_known(read):
    read(HEAD + "rules: [{rows: {min: 1}}]")
    with pytest.raises(CommandError, match=r"no contract 'other' in .*; there are: c"):
        load("other")
