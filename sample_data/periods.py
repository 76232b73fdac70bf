"""The calendar of a generated extraction: which days, months and horizons it covers."""

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

PAYMENT_DAYS = 181  # by default: 2019-01-01 … 2019-06-30
CRYPTO_DAYS = 273  # 2018-10-01 … 2019-06-30
DEFAULT_UNTIL = date(2019, 7, 1)


@dataclass(frozen=True)
class Calendar:
    """Days are numbered from the first payment day (0); day `days` is `until`, the first day without data.

    `EVALUATE.csv` speaks of the two months that start at `until`. Month -1, the newest of the monthly counters, is the
    last month that ended before the month of the last payment: May 2019 for payments up to 2019-06-30.
    """

    until: date = DEFAULT_UNTIL
    days: int = PAYMENT_DAYS

    @property
    def start(self) -> date:
        """First payment day."""
        return self.until - timedelta(days=self.days)

    @property
    def horizon_end(self) -> int:
        """Number of the first day after the two months of EVALUATE."""
        return ((self.until + pd.DateOffset(months=2)).date() - self.start).days

    def month(self, back: int) -> tuple[int, int]:
        """Day numbers [first, end) of month -`back`, as ACTIVE_USER counts months (1, 2, 3)."""
        month = pd.Period(self.until - timedelta(days=1), "M") - back
        first, end = month.start_time.date(), (month + 1).start_time.date()
        return (first - self.start).days, (end - self.start).days
