"""The form of a data contract: what `airflow/include/expectations/*.yml` may say, and the errors when it says else."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator


class Part(BaseModel):
    """Base of every part of a contract: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Binding(Part):
    """A value that the caller of `check` hands over by name, such as the snapshot date."""

    binding: str


Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")]
TableName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]
Names = Annotated[list[Name], Field(min_length=1)]
Scalar = StrictBool | StrictInt | Decimal | date | StrictStr  # a YAML float becomes the decimal that was written
Value = Scalar | Binding
Share = Annotated[Decimal, Field(ge=0, le=1)]
Comparison = Literal["=", "<>", "<", "<=", ">", ">="]


class Condition(Part):
    """Rows for which `column op value` holds; `is null` and `is not null` take no value."""

    column: Name
    op: Comparison | Literal["is null", "is not null"]
    value: Value | None = None

    @model_validator(mode="after")
    def _value_fits_op(self) -> "Condition":
        if (self.value is None) != self.op.startswith("is "):
            raise ValueError(f"{self.op!r} takes {'no' if self.op.startswith('is ') else 'a'} value")
        return self


class ColumnReference(Part):
    """A column instead of a value on the right of a comparison."""

    column: Name


class Rule(Part):
    """What every rule has beside its own arguments.

    severity: `fail` stops the run, `warn` is reported, `reject` sets rows aside before the check (where the writer of
    the table knows how to) and fails like `fail` afterwards. `where`: the rows that the rule speaks of. `reason`: what
    is wrong with a row that breaks it, for the reject table and the message.
    """

    severity: Literal["fail", "warn", "reject"] = "fail"
    where: list[Condition] = []
    reason: str | None = None

    @model_validator(mode="after")
    def _reject_speaks_of_rows(self) -> "Rule":
        if self.severity == "reject" and isinstance(self, RowCount | MaxNullShare | MaxShare | Unique):
            raise ValueError("severity reject is for rules that speak of one row")
        if self.severity == "reject" and not self.reason:
            raise ValueError("severity reject needs a reason")
        return self


class NotNull(Rule):
    """Every value of each column is known."""

    rule: Literal["not_null"]
    columns: Names


class Finite(Rule):
    """No value of each column is NaN or infinite."""

    rule: Literal["finite"]
    columns: Names


class Between(Rule):
    """Every known value of each column is ≥ min, > above, ≤ max, < below, whichever are given."""

    rule: Literal["between"]
    columns: Names
    min: Value | None = None
    above: Value | None = None
    max: Value | None = None
    below: Value | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "Between":
        if self.min is None and self.above is None and self.max is None and self.below is None:
            raise ValueError("give at least one of min, above, max, below")
        return self


class InSet(Rule):
    """Every known value of each column is one of `values`."""

    rule: Literal["in_set"]
    columns: Names
    values: Annotated[list[Value], Field(min_length=1)]


class Matches(Rule):
    """Every known value of each column, as text, matches the regular expression (unanchored unless it says ^ and $)."""

    rule: Literal["matches"]
    columns: Names
    pattern: StrictStr


class Compare(Rule):
    """`column op right` in every row where both are known; `right` is a value or `{column: other}`."""

    rule: Literal["compare"]
    column: Name
    op: Comparison
    right: Scalar | Binding | ColumnReference


class EqualsProduct(Rule):
    """`column` is the product of `factors`, exactly, in every row where all are known."""

    rule: Literal["equals_product"]
    column: Name
    factors: Annotated[list[Name], Field(min_length=2)]


class ForeignKey(Rule):
    """Rows whose `columns` are all known have a row in `references` with the same values."""

    rule: Literal["foreign_key"]
    columns: Names
    references: TableName
    references_columns: Names

    @model_validator(mode="after")
    def _same_length(self) -> "ForeignKey":
        if len(self.columns) != len(self.references_columns):
            raise ValueError("columns and references_columns differ in number")
        return self


class Unique(Rule):
    """No two rows have the same values in `columns`; rows with a NULL among them are not compared."""

    rule: Literal["unique"]
    columns: Names


class RowCount(Rule):
    """The number of rows is ≥ min and ≤ max, whichever are given."""

    rule: Literal["row_count"]
    min: StrictInt | None = None
    max: StrictInt | None = None

    @model_validator(mode="after")
    def _some_bound(self) -> "RowCount":
        if self.min is None and self.max is None:
            raise ValueError("give at least one of min, max")
        return self


class MaxNullShare(Rule):
    """At most this share (0 to 1) of the rows has NULL in each column."""

    rule: Literal["max_null_share"]
    columns: Names
    max: Share


class MaxShare(Rule):
    """At most this share (0 to 1) of the rows meets every condition in `of`."""

    rule: Literal["max_share"]
    of: Annotated[list[Condition], Field(min_length=1)]
    max: Share


AnyRule = (
    NotNull | Finite | Between | InSet | Matches | Compare | EqualsProduct
    | ForeignKey | Unique | RowCount | MaxNullShare | MaxShare
)  # fmt: skip
RULES: dict[str, type[Rule]] = {get_args(kind.model_fields["rule"].annotation)[0]: kind for kind in get_args(AnyRule)}


def columns_named(rule: Rule) -> set[str]:
    """Every column of the checked table that the rule names."""
    named = {*getattr(rule, "columns", []), *getattr(rule, "factors", [])}
    named |= {condition.column for condition in [*rule.where, *getattr(rule, "of", [])]}
    if isinstance(rule, Compare | EqualsProduct):
        named.add(rule.column)
    if isinstance(rule, Compare) and isinstance(rule.right, ColumnReference):
        named.add(rule.right.column)
    return named


class Contract(Part):
    """A table, the rows of it that are checked, the columns that name a row in messages, and the rules."""

    table: TableName
    key: Names
    where: list[Condition] = []
    rules: Annotated[list[Annotated[AnyRule, Field(discriminator="rule")]], Field(min_length=1)]
