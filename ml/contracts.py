"""Data contracts: check the rows of a table against the rules of a YAML file, as SQL in the caller's transaction."""

from dataclasses import dataclass
from typing import Any

import psycopg
import yaml
from psycopg import sql as compose
from pydantic import ValidationError

from ml.cli import CommandError
from ml.contract_rules import Bindings, Measure, columns, conditions, measures, table_name, template
from ml.contract_schema import RULES, Contract, ForeignKey, MaxNullShare, MaxShare, RowCount, Rule, columns_named
from ml.settings import settings

SAMPLE_ROWS = 5


@dataclass(frozen=True)
class ContractResult:
    """A check that passed: how many rows and rules it covered, and the rules of severity `warn` that were broken."""

    contract: str
    rows_checked: int
    rules_checked: int
    warnings: list[str]


class _UniqueKeyLoader(yaml.SafeLoader):
    """A key given twice is an error, not the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(contract_name: str) -> Contract:
    """Read `<contract_name>.yml` from the folder of contracts.

    Raises:
        CommandError: there is no such contract, it is not YAML, or it says what no contract may say.
    """
    folder = settings().expectations_dir
    path = folder / f"{contract_name}.yml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yml"))) or "none"
        raise CommandError(f"no contract {contract_name!r} in {folder}; there are: {known}")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"contract {path.name} is not YAML: {' '.join(str(error).split())}") from error
    _require_known_rules(path.name, content)
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        problems = [f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors()]
        raise CommandError(f"contract {path.name}: {'; '.join(problems)}") from error


def check(conn: psycopg.Connection, contract_name: str, *, bindings: Bindings) -> ContractResult:
    """Check the contract on what the caller's transaction sees, its own uncommitted rows included.

    Raises:
        CommandError: a rule of severity `fail` or `reject` is broken (each is named, with the number of rows that
            break it and the keys of some), or the contract cannot be checked.
    """
    contract = load(contract_name)
    _require_columns(conn, contract_name, contract)
    rows, broken = _broken(conn, contract_name, contract, measures(contract, bindings), bindings)
    messages: dict[bool, list[str]] = {True: [], False: []}
    for measure, in_scope, count in broken:
        text = _describe(measure, in_scope, count, _sample(conn, contract, measure, bindings))
        messages[measure.rule.severity == "warn"].append(text)
    if messages[False]:
        raise CommandError(f"contract {contract_name} is broken in {contract.table}: {'; '.join(messages[False])}")
    return ContractResult(contract_name, rows, len(contract.rules), messages[True])


def reject_reasons(conn: psycopg.Connection, contract_name: str, *, bindings: Bindings) -> compose.Composed:
    """SQL expressions, comma-separated, over an alias `checked`: the reason of each broken `reject` rule, or NULL.

    Raises:
        CommandError: the contract cannot be used, or it has no rule of severity `reject`.
    """
    contract = load(contract_name)
    _require_columns(conn, contract_name, contract)
    rules = [measure for measure in measures(contract, bindings) if measure.rule.severity == "reject"]
    if not rules:
        raise CommandError(f"contract {contract_name}.yml has no rule of severity reject")
    _broken(conn, contract_name, contract, rules, bindings)  # names the rule that PostgreSQL does not understand
    return compose.SQL(", ").join(
        template("_reason", scope=rule.scope, broken=rule.broken, reason=compose.Literal(rule.rule.reason))
        for rule in rules
    )


def _require_known_rules(file_name: str, content: object) -> None:
    rules = content.get("rules") if isinstance(content, dict) else None
    for number, rule in enumerate(rules if isinstance(rules, list) else [], start=1):
        if not isinstance(rule, dict):
            raise CommandError(f"contract {file_name}, rule {number}: {rule!r} is not of the form {{rule: ..., ...}}")
        if rule.get("rule") not in RULES:
            kind = rule.get("rule")
            raise CommandError(f"contract {file_name}, rule {number}: unknown rule {kind!r}; known: {', '.join(RULES)}")


def _require_columns(conn: psycopg.Connection, contract_name: str, contract: Contract) -> None:
    own = {*contract.key, *(condition.column for condition in contract.where)}
    named = [("key or where", contract.table, own)]
    for number, rule in enumerate(contract.rules, start=1):
        place = f"rule {number} ({getattr(rule, 'rule', '')})"
        named.append((place, contract.table, columns_named(rule)))
        if isinstance(rule, ForeignKey):
            named.append((place, rule.references, set(rule.references_columns)))
    for place, table, wanted in named:
        schema, name = table.split(".")
        query = template("_columns", schema=compose.Literal(schema), table=compose.Literal(name))
        existing = [row[0] for row in conn.execute(query)]
        if not existing:
            raise CommandError(f"contract {contract_name}.yml, {place}: table {table} does not exist")
        if unknown := sorted(wanted - set(existing)):
            raise CommandError(
                f"contract {contract_name}.yml, {place}: {table} has no column {', '.join(unknown)};"
                f" it has: {', '.join(existing)}"
            )


def _broken(
    conn: psycopg.Connection, contract_name: str, contract: Contract, every: list[Measure], bindings: Bindings
) -> tuple[int, list[tuple[Measure, int, int]]]:
    """Rows checked, and the broken rules with the rows in their scope and the rows that break them."""
    try:
        with conn.transaction():
            rows, *counts = _counts(conn, contract, every, bindings)
    except (psycopg.ProgrammingError, psycopg.DataError):
        for measure in every:  # which one was it?
            try:
                with conn.transaction():
                    _counts(conn, contract, [measure], bindings)
            except (psycopg.ProgrammingError, psycopg.DataError) as error:
                reason = error.diag.message_primary or str(error)
                raise CommandError(f"contract {contract_name}.yml, {measure.label}: {reason}") from error
        raise
    pairs = zip(every, counts[::2], counts[1::2], strict=True)
    return rows, [(measure, scope, count) for measure, scope, count in pairs if _is_broken(measure.rule, scope, count)]


def _counts(conn: psycopg.Connection, contract: Contract, every: list[Measure], bindings: Bindings) -> tuple[int, ...]:
    pairs = compose.SQL(", ").join(template("_count_pair", scope=m.scope, broken=m.broken) for m in every)
    query = template(
        "_counts", counts=pairs, table=table_name(contract.table), scope=conditions(contract.where, bindings)
    )
    return conn.execute(query).fetchall()[0]


def _is_broken(rule: Rule, in_scope: int, count: int) -> bool:
    match rule:
        case RowCount(min=least, max=most):
            return (least is not None and in_scope < least) or (most is not None and in_scope > most)
        case MaxNullShare(max=most) | MaxShare(max=most):
            return count > most * in_scope
    return count > 0


def _sample(
    conn: psycopg.Connection, contract: Contract, measure: Measure, bindings: Bindings
) -> list[tuple[Any, ...]]:
    if isinstance(measure.rule, RowCount):
        return []
    query = template(
        "_sample",
        key=columns(contract.key),
        table=table_name(contract.table),
        scope=compose.SQL(" and ").join([conditions(contract.where, bindings), measure.scope]),
        broken=measure.broken,
        limit=compose.Literal(SAMPLE_ROWS),
    )
    return conn.execute(query).fetchall()


def _describe(measure: Measure, in_scope: int, count: int, sample: list[tuple[Any, ...]]) -> str:
    reason = f" ({measure.rule.reason})" if measure.rule.reason else ""
    if isinstance(measure.rule, RowCount):
        return f"{measure.label}{reason}: {in_scope} rows"
    keys = ", ".join(" ".join(str(value) for value in row) for row in sample)
    return f"{measure.label}{reason}: {count} of {in_scope} rows, such as {keys}"
