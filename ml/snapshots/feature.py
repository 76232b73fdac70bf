"""The definition of one feature: its column, unit, texts in both languages, limits, and its part in the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

REAL = "double precision"
# What the model does to the values before it scales them. heavy-tailed: arcsinh, the logarithm of large values.
# saturating: arctangent, for counts of which the first few say most. reached: 1 at the maximum, 0 below it. none: the
# feature is not in the model.
Role = Literal["heavy-tailed", "saturating", "reached", "plain", "categorical", "none"]
Direction = Literal["more churn", "less churn", ""]  # what a higher value means; empty for texts


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    es: str


class Unit(NamedTuple):
    """The unit of a value, and the note that shows it in the labels of the pages."""

    name: str
    note: Text | None = None


# What the explanation of a score calls the features of a group.
GROUPS = {
    "activity": Text("How much they pay", "Cuánto paga"),
    "recency": Text("Their last payment", "Su último pago"),
    "spend": Text("Spending and discounts", "Gasto y descuentos"),
    "visits": Text("Visits to the apps", "Visitas a las aplicaciones"),
    "account": Text("Account and card", "Cuenta y tarjeta"),
    "marketplace": Text("Purchases on Mercado Libre", "Compras en Mercado Libre"),
    "person": Text("Personal details", "Datos personales"),
}


@dataclass(frozen=True)
class Feature:
    """One feature: column `name` of type `sql_type`, NULL where not known unless `required`, limits inclusive.

    Features of the model that share a `score` enter it as one number, the mean of their scaled values; they have the
    same role, direction and group. `marked`: that the value is not known is another input, which means more churn.
    `settles_after`: with fewer days of payments before a snapshot, its values follow from where the files begin.
    """

    name: str
    sql_type: str
    unit: Unit
    role: Role
    direction: Direction
    group: str  # one of GROUPS
    label: Text
    meaning: Text
    minimum: int | None = None
    maximum: int | None = None
    required: bool = False
    score: str = ""  # empty: the feature is a score by itself
    marked: bool = False
    settles_after: int = 0

    @property
    def score_name(self) -> str:
        """Name of the score that it is, or is a part of."""
        return self.score or self.name

    def shown(self, language: str) -> str:
        """Its label on the pages in `language` (es or en), with the unit if the label does not contain it."""
        label, note = (getattr(text, language, "") for text in (self.label, self.unit.note))
        return f"{label} ({note})" if note else str(label)

    def limits(self) -> str:
        """SQL condition for the allowed values, empty if all are; NULL means not known and is within any limit."""
        known = f"{self.name} is not null" if self.required else ""
        least = "" if self.minimum is None else f"{self.name} >= {self.minimum}"
        most = "" if self.maximum is None else f"{self.name} <= {self.maximum}"
        if self.sql_type == REAL and not most:
            most = f"{self.name} < 'infinity'"  # NaN is above infinity
        return " and ".join(filter(None, (known, least, most)))
