"""The definition of one feature: its column, unit, texts in both languages, limits and role in the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

REAL = "double precision"
Role = Literal["heavy-tailed", "plain", "categorical", "none"]  # heavy-tailed numbers are compressed before scaling


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    es: str


class Unit(NamedTuple):
    """The unit of a value, and the note that shows it in the labels of the form."""

    name: str
    note: Text | None = None


@dataclass(frozen=True)
class Feature:
    """One feature: column `name` of type `sql_type`, NULL where not known unless `required`, limits inclusive."""

    name: str
    sql_type: str
    unit: Unit
    role: Role
    group: str  # of features that come from one source
    label: Text
    meaning: Text
    minimum: int | None = None
    maximum: int | None = None
    required: bool = False

    def shown(self, language: str) -> str:
        """Its label in the form in `language` (es or en), with the unit if the label does not contain it."""
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
