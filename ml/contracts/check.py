"""Count the rows that break a contract: all rules in one statement, inside the transaction that wrote the rows."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg import Connection, DataError, NotSupportedError, ProgrammingError
from psycopg.sql import SQL, Composed, Identifier, Literal

from ml.cli import CommandError
from ml.contracts.contract import Contract, Rule, load

BINDING = re.compile(r"%\((\w+)\)s")
COUNTS = SQL("select count(*), {counts} {source}")
COUNT = SQL("count(*) filter (where {where}), count(*) filter (where {broken})")
DUPLICATES = SQL("({columns}) in (select {columns} {source} and {where} group by {columns} having count(*) > 1)")
SOME_KEYS = SQL("select {key} {source} and ({broken}) is true order by {key} limit 5")  # "is true": else a slow join
# Reads no row. If PostgreSQL accepts a text both in parentheses and alone, it is one boolean expression: it closes no
# parenthesis that it has not opened, ends in no comment and adds no clause.
PROBE = SQL("select {key} {no_rows} where ({text})\nunion all select {key} {no_rows} where {text}")


class ContractResult(NamedTuple):
    """A check that passed: how many rows and rules it covered, and the broken rules of severity `warn`."""

    rows_checked: int
    rules_checked: int
    warnings: list[str]


class _Measure(NamedTuple):
    """A rule as SQL: the rows to which it applies, and those of them that break it."""

    rule: Rule
    place: str
    where: Composed
    broken: Composed


def check(conn: Connection, name: str, *, bindings: dict[str, Any], rules: Sequence[Rule] = ()) -> ContractResult:
    """Check the contract, and additional `rules`, on what the transaction sees, including its uncommitted rows.

    Raises:
        CommandError: rules of severity `fail` are broken, or the contract cannot be checked.
    """
    contract = load(name)
    source, measures = _prepare(conn, name, contract, bindings, rules)
    counts = SQL(", ").join(COUNT.format(where=each.where, broken=each.broken) for each in measures)
    key, query = SQL(contract.key), COUNTS.format(counts=counts, source=source)
    try:
        [(rows, *numbers)] = _run(conn, query, f"contract {name}.yml")
    except CommandError:  # a rule cannot be applied to some value: find out which rule
        for measure in measures:
            _run(conn, SOME_KEYS.format(key=key, source=source, broken=measure.broken), measure.place)
        raise
    messages: dict[str, list[str]] = {"fail": [], "warn": []}
    for (rule, _, _, broken), in_scope, breaking in zip(measures, numbers[::2], numbers[1::2], strict=True):
        if rule.rows and not rule.rows.get("min", in_scope) <= in_scope <= rule.rows.get("max", in_scope):
            messages[rule.severity].append(f"{rule}: {in_scope} rows")
        elif breaking > (rule.max or 0) * in_scope:
            found = conn.execute(SOME_KEYS.format(key=key, source=source, broken=broken))
            keys = ", ".join(" ".join(map(str, row)) for row in found)
            messages[rule.severity].append(f"{rule}: {breaking} of {in_scope} rows, such as {keys}")
    if messages["fail"]:
        raise CommandError(f"contract {name}.yml is broken in {contract.table}: {'; '.join(messages['fail'])}")
    return ContractResult(rows, len(measures), messages["warn"])


def reject_reasons(conn: Connection, name: str, *, bindings: dict[str, Any]) -> Composed:
    """Comma-separated SQL expressions over an alias `checked`: for each `reject` rule its reason if broken, or NULL.

    Raises:
        CommandError: the contract cannot be used, or none of its rules says `reject`.
    """
    _, measures = _prepare(conn, name, load(name), bindings)
    reason = SQL("case when {} then {} end")
    reasons = [reason.format(each.broken, Literal(each.rule.reject)) for each in measures if each.rule.reject]
    if not reasons:
        raise CommandError(f"contract {name}.yml has no rule with reject")
    return SQL(", ").join(reasons)


def _prepare(
    conn: Connection, name: str, contract: Contract, bindings: dict[str, Any], rules: Sequence[Rule] = ()
) -> tuple[Composed, list[_Measure]]:
    """The rows to check and the rules on them, after PostgreSQL has accepted each text."""
    file, table = f"contract {name}.yml", Identifier(*contract.table.split("."))
    no_rows = SQL("from (select * from {} where false) as checked").format(table)

    def condition(text: str, place: str) -> Composed:
        if unbound := set(BINDING.findall(text)) - set(bindings):
            raise CommandError(f"{place}: no binding {unbound.pop()!r}; bound are: {', '.join(bindings) or 'none'}")
        filled = SQL(BINDING.sub(lambda found: Literal(bindings[found[1]]).as_string(conn), text))
        _run(conn, PROBE.format(key=SQL(contract.key), no_rows=no_rows, text=filled), place)
        return SQL("({})").format(filled)

    source = SQL("from {} as checked where {}").format(table, condition(contract.where, f"{file}, table, key or where"))
    measures = []
    for number, rule in enumerate([*contract.rules, *rules], start=1):
        place = f"{file}, rule {number} ({rule})"
        where = condition(rule.where, place)
        text = rule.expect or rule.share or "false"
        if rule.unique:
            text = DUPLICATES.format(columns=SQL(rule.unique), source=source, where=where).as_string(conn)
        broken = SQL("{} and not {}" if rule.expect else "{} and {}").format(where, condition(text, place))
        measures.append(_Measure(rule, place, where, broken))
    return source, measures


def _run(conn: Connection, query: Composed, place: str) -> list[tuple[Any, ...]]:
    """The rows of a query; if PostgreSQL rejects it, the error names the place in the contract."""
    try:
        with conn.transaction():
            return conn.execute(query).fetchall()
    except (ProgrammingError, DataError, NotSupportedError) as error:
        raise CommandError(f"{place}: {error.diag.message_primary or error}") from error
