"""The calendar of a generated extraction: which days, months and horizons it covers."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

PAYMENT_DAYS = 181  # 2019-01-01 … 2019-06-30 for the default calendar
CRYPTO_DAYS = 273  # 2018-10-01 … 2019-06-30
DEFAULT_UNTIL = date(2019, 7, 1)


def add_months(month: date, months: int) -> date:
    """First day of the month that lies `months` after the month of `month`."""
    index = month.year * 12 + month.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


@dataclass(frozen=True)
class Calendar:
    """Days are numbered from the first payment day (0); day `PAYMENT_DAYS` is `until`, the first day without data.

    `EVALUATE.csv` speaks of the two months that start at `until`. Month -1, the newest of the monthly counters, is the
    last month that ended before the month of the last payment: May 2019 for payments up to 2019-06-30.
    """

    until: date = DEFAULT_UNTIL

    @property
    def start(self) -> date:
        """First payment day."""
        return self.until - timedelta(days=PAYMENT_DAYS)

    @property
    def horizon_end(self) -> int:
        """Number of the first day after the two months of EVALUATE."""
        month = add_months(self.until, 2)
        last_of_month = (add_months(month, 1) - timedelta(days=1)).day
        end = month.replace(day=min(self.until.day, last_of_month))
        return (end - self.start).days

    def month(self, back: int) -> tuple[int, int]:
        """Day numbers [first, end) of month -`back`, as ACTIVE_USER counts months (1, 2, 3)."""
        last_payment = self.until - timedelta(days=1)
        first, end = add_months(last_payment, -back), add_months(last_payment, 1 - back)
        return (first - self.start).days, (end - self.start).days

    def weekday(self, days: int) -> npt.NDArray[np.int64]:
        """Day of the week (Monday 0) of the days 0 … `days` - 1."""
        return (self.start.weekday() + np.arange(days)) % 7

    def day_of_month(self, days: int) -> npt.NDArray[np.int64]:
        """Day of the month (1 … 31) of the days 0 … `days` - 1."""
        return np.array([(self.start + timedelta(days=day)).day for day in range(days)])

    def epoch_day(self, day: int = 0) -> int:
        """Days from 1970-01-01 to day number `day`, as Arrow's date32 counts them."""
        return (self.start - date(1970, 1, 1)).days + day
