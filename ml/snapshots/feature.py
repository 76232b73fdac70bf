"""What is said of one feature: its column, unit, words in both languages, limits and role in the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

REAL = "double precision"
Role = Literal["heavy-tailed", "plain", "categorical", "none"]  # heavy-tailed numbers are compressed before scaling


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    es: str


class Unit(NamedTuple):
    """What a value counts, and the note with which the form's labels show it."""

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
        """What the form calls it in `language` (es or en), with its unit where the label does not say it."""
        label, note = (getattr(text, language, "") for text in (self.label, self.unit.note))
        return f"{label} ({note})" if note else str(label)

    def limits(self) -> str:
        """SQL condition that says which values are allowed, empty if all are; NULL is not known and breaks no limit."""
        known = f"{self.name} is not null" if self.required else ""
        least = "" if self.minimum is None else f"{self.name} >= {self.minimum}"
        most = "" if self.maximum is None else f"{self.name} <= {self.maximum}"
        if self.sql_type == REAL and not most:
            most = f"{self.name} < 'infinity'"  # NaN is above infinity
        return " and ".join(filter(None, (known, least, most)))
