"""What is said of one feature: its column, unit, words in both languages, limits and role in the model."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

REAL = "double precision"
Role = Literal["heavy-tailed", "plain", "categorical", "none"]  # heavy-tailed numbers are compressed before scaling


class Unit(NamedTuple):
    """What a value counts, and the note with which the form's labels show it (English, Spanish)."""

    name: str
    en: str = ""
    es: str = ""


class Words(NamedTuple):
    """What the form calls a feature in one language, and what the feature measures."""

    label: str
    meaning: str


@dataclass(frozen=True)
class Feature:
    """One feature: column `name` of type `sql_type`, NULL where not known unless `required`, limits inclusive."""

    name: str
    sql_type: str
    unit: Unit
    role: Role
    group: str  # of features that come from one source
    en: Words
    es: Words
    minimum: int | None = None
    maximum: int | None = None
    required: bool = False

    def label(self, language: str) -> str:
        """What the form calls it in `language` (es or en), with its unit where the words do not say it."""
        words, note = (self.es, self.unit.es) if language == "es" else (self.en, self.unit.en)
        return f"{words.label} ({note})" if note else words.label

    def limits(self) -> list[str]:
        """SQL conditions that together say which values are allowed; one that is NULL forbids nothing."""
        least = [] if self.minimum is None else [f"{self.name} >= {self.minimum}"]
        most = [] if self.maximum is None else [f"{self.name} <= {self.maximum}"]
        if self.sql_type == REAL and not most:
            most = [f"{self.name} < 'infinity'"]  # NaN is above infinity
        return [*([f"{self.name} is not null"] if self.required else []), *least, *most]
