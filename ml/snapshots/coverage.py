"""Which snapshot dates the loaded data allow, and the record of the loaded files."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

import psycopg

from ml.cli import CommandError, Skip
from ml.settings import settings

HISTORY_DAYS = 90  # the longest window of a feature
SUNDAY = 6  # date.weekday() of the weekly snapshots


@dataclass(frozen=True)
class CurrentData:
    """What `ops.current_data` records of the files that are loaded."""

    first_payment_date: date
    extraction_month: date  # first day of month -1 of the monthly files
    payments_known_through: date
    evaluate_cutoff: date  # first day of the two months of the churn flag
    raw_fingerprint: str
    sources: dict[str, str]  # digest of each raw table's content, and the extraction month

    @property
    def extraction_end(self) -> date:
        """First day after the extraction month."""
        return (self.extraction_month.replace(day=1) + timedelta(days=31)).replace(day=1)

    @property
    def feature_sources(self) -> dict[str, str]:
        """The sources that features are made from; a snapshot made from others is stale."""
        return {name: content for name, content in self.sources.items() if name != "evaluate"}

    @property
    def label_sources(self) -> dict[str, str]:
        """The sources that labels are made from."""
        return {name: content for name, content in self.sources.items() if name in ("payments", "evaluate")}

    def months_ahead(self, snapshot_date: date) -> int:
        """Months from month -1 of `snapshot_date` to the extraction month: 1 where both are of May."""
        month = self.extraction_month
        return (month.year - snapshot_date.year) * 12 + month.month - snapshot_date.month + 1


def current_data(conn: psycopg.Connection) -> CurrentData:
    """Read `ops.current_data`.

    Raises:
        CommandError: the payments or another required file are not loaded.
    """
    row = conn.execute(
        "select first_payment_date, extraction_month, payments_known_through, evaluate_cutoff, raw_fingerprint, sources"
        " from ops.current_data"
    ).fetchone()
    if row is None or None in row:
        raise CommandError("the CSV files are not loaded; load them: make seed")
    return CurrentData(*row)


def covered_range(conn: psycopg.Connection) -> tuple[date, date]:
    """First and last snapshot date, both inclusive, that the loaded payments allow.

    From the first payment + 90 days, so that every window is complete, to the day after the last complete day.

    Raises:
        CommandError: no payments are loaded, or fewer than 90 days of them.
    """
    data = current_data(conn)
    first = data.first_payment_date + timedelta(days=HISTORY_DAYS)
    last = data.payments_known_through + timedelta(days=1)
    if first > last:
        raise CommandError(
            f"the payments loaded ({data.first_payment_date} to {data.payments_known_through}) allow no snapshot:"
            f" one needs {HISTORY_DAYS} days of payments before it"
        )
    return first, last


def require_covered(conn: psycopg.Connection, snapshot_date: date) -> None:
    """Check that `snapshot_date` lies in `covered_range`.

    Raises:
        Skip: it does not, and the scheduler started the run.
        CommandError: it does not, and a person asked for this date.
    """
    first, last = covered_range(conn)
    if first <= snapshot_date <= last:
        return
    message = f"snapshot date {snapshot_date} is outside the covered range {first} to {last} of the payments loaded"
    if settings().is_scheduled_run:
        raise Skip(message)
    raise CommandError(f"{message}; choose a date inside it")


def sundays_before(until: date) -> Iterator[date]:
    """The Sundays on or before `until`, newest first, without end."""
    newest = until - timedelta(days=(until.weekday() - SUNDAY) % 7)
    return (newest - timedelta(weeks=back) for back in count())
