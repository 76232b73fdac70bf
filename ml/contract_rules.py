"""Turn the rules of a contract into SQL conditions, composed from `airflow/include/sql/checks/<rule>.sql`.

A condition holds for the rows that break the rule. It names columns of a table with the alias `checked`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql as compose

from ml.cli import CommandError
from ml.contract_schema import (
    Between,
    Binding,
    ColumnReference,
    Compare,
    Condition,
    Contract,
    EqualsProduct,
    ForeignKey,
    InSet,
    Matches,
    MaxShare,
    Rule,
    Scalar,
)
from ml.utils_io import sql

Bindings = dict[str, Scalar]
NO_LABEL = {"severity", "where", "reason", "rule", "columns"}


@dataclass(frozen=True)
class Measure:
    """One rule for one of its columns: `scope` are the rows it speaks of, `broken` those of them that break it."""

    rule: Rule
    label: str
    scope: compose.Composable
    broken: compose.Composable


def template(name: str, **parts: compose.Composable) -> compose.Composed:
    """`checks/<name>.sql` with its {placeholders} filled in."""
    return compose.SQL(sql(f"checks/{name}").strip()).format(**parts)


def column(name: str, table: str = "checked") -> compose.Identifier:
    """A column of the table that is checked."""
    return compose.Identifier(table, name)


def columns(names: list[str], table: str = "checked") -> compose.Composed:
    """Comma-separated `column`s."""
    return compose.SQL(", ").join(column(name, table) for name in names)


def table_name(name: str) -> compose.Identifier:
    """`schema.table` as an identifier."""
    return compose.Identifier(*name.split("."))


def literal(value: Scalar | Binding | None, bindings: Bindings) -> compose.Literal:
    """The value itself, or the one bound under its name.

    Raises:
        CommandError: nothing is bound under the name.
    """
    if isinstance(value, Binding):
        if value.binding not in bindings:
            raise CommandError(f"no binding {value.binding!r}; bound are: {', '.join(sorted(bindings)) or 'none'}")
        value = bindings[value.binding]
    return compose.Literal(value)


def conditions(where: list[Condition], bindings: Bindings) -> compose.Composable:
    """All of `where`, joined by AND; true when there is none."""
    if not where:
        return compose.SQL("true")
    return compose.SQL(" and ").join(_condition(condition, bindings) for condition in where)


def measures(contract: Contract, bindings: Bindings) -> list[Measure]:
    """Every rule of the contract, once for each column where it speaks of columns one by one."""
    return [measure for rule in contract.rules for measure in _measures(rule, contract, bindings)]


def _condition(condition: Condition, bindings: Bindings) -> compose.Composed:
    parts = [column(condition.column), compose.SQL(condition.op)]
    return compose.SQL(" ").join([*parts, literal(condition.value, bindings)] if condition.value is not None else parts)


def _measures(rule: Rule, contract: Contract, bindings: Bindings) -> Iterator[Measure]:
    kind: str = getattr(rule, "rule")  # noqa: B009 (each kind declares its own literal)
    scope = conditions(rule.where, bindings)
    own = rule.model_dump(mode="json", exclude=NO_LABEL, exclude_none=True, exclude_defaults=True)
    arguments = " ".join(f"{name}={value}" for name, value in own.items())
    names: list[str] = getattr(rule, "columns", [])
    one_by_one = names and kind not in ("unique", "foreign_key")
    for group in [[name] for name in names] if one_by_one else [names]:
        parts = {
            "columns": columns(group),
            "column": columns(group),
            "table": table_name(contract.table),
            "scope": conditions([*contract.where, *rule.where], bindings),
            **_arguments(rule, bindings),
        }
        label = " ".join(part for part in (kind, ", ".join(group), arguments) if part)
        yield Measure(rule, label, scope, template(kind, **parts))


def _arguments(rule: Rule, bindings: Bindings) -> dict[str, compose.Composable]:
    """What a rule's template needs beside its columns."""
    match rule:
        case Between():
            return {bound: literal(getattr(rule, bound), bindings) for bound in ("min", "above", "max", "below")}
        case InSet():
            return {"values": compose.SQL(", ").join(literal(value, bindings) for value in rule.values)}
        case Matches():
            return {"pattern": compose.Literal(rule.pattern)}
        case Compare(right=right):
            other = column(right.column) if isinstance(right, ColumnReference) else literal(right, bindings)
            return {"column": column(rule.column), "op": compose.SQL(rule.op), "right": other}
        case EqualsProduct():
            factors = compose.SQL(" * ").join(column(name) for name in rule.factors)
            return {"column": column(rule.column), "product": factors}
        case ForeignKey():
            return {
                "references": table_name(rule.references),
                "references_columns": columns(rule.references_columns, "parent"),
            }
        case MaxShare():
            return {"conditions": conditions(rule.of, bindings)}
    return {}
