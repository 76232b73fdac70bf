"""One thing that monitoring has looked at: a value, its limits, and what to do beyond them."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "alert"]


@dataclass(frozen=True)
class Finding:
    """A row of `ops.monitoring`: `value` of `subject`, worse the larger it is; `what_to_do` if it is above a limit."""

    check: str
    subject: str
    value: float
    warn_above: float
    alert_above: float
    detail: str
    what_to_do: str

    @property
    def state(self) -> State:
        """`ok` up to the first limit, `warn` up to the second, else `alert`."""
        if self.value > self.alert_above:
            return "alert"
        return "warn" if self.value > self.warn_above else "ok"

    @property
    def severity(self) -> float:
        """How many times the limit of an alert the value is: above 1, it is an alert."""
        return self.value / self.alert_above
