"""The dates that the loaded files speak of: stated in `.env`, or found in the files."""

import re
from datetime import date

import psycopg

from ml.cli import CommandError
from ml.loading.days import StatedDates, latest_today
from ml.settings import settings

FOUND_MONTH = """
select extraction_month from ops.raw_loads
where table_name = 'raw.active_user' and status = 'loaded' order by load_id desc limit 1
"""
# The cutoff belongs to the content of EVALUATE.csv: a file that was loaded before keeps the one that it had.
ASSUME_CUTOFF = """
update ops.raw_loads as latest
set (evaluate_cutoff, message) = (
    select
        coalesce(
            min(evaluate_cutoff),
            (select payments_known_through + 1 from ops.current_data)
        ),
        case when min(evaluate_cutoff) is null then 'speaks of the two months after the last payment loaded' end
    from ops.raw_loads as earlier
    where earlier.table_name = 'raw.evaluate' and earlier.file_digest = latest.file_digest
)
where evaluate_cutoff is null
    and load_id = (select max(load_id) from ops.raw_loads where table_name = 'raw.evaluate' and status = 'loaded')
returning evaluate_cutoff, message
"""
DATES = """
select
    payments_known_through, evaluate_cutoff, (evaluate_cutoff + interval '2 months')::date - 1,
    to_char(extraction_month, 'YYYY-MM')
from ops.current_data
where payments_known_through is not null and evaluate_cutoff is not null and extraction_month is not null
"""


def state_dates(conn: psycopg.Connection) -> StatedDates:
    """Record the dates that the environment states; empty ones are taken from the files.

    Raises:
        CommandError: one of them is not a date.
    """
    env = settings()
    month = _stated("EXTRACTION_MONTH", env.extraction_month, "month (expected YYYY-MM)")
    stated = StatedDates(
        month and month.replace(day=1),
        _stated("PAYMENTS_KNOWN_THROUGH", env.payments_known_through, "date (expected YYYY-MM-DD)"),
        _stated("EVALUATE_CUTOFF", env.evaluate_cutoff, "date (expected YYYY-MM-DD)"),
    )
    conn.execute(
        "update ops.stated_dates set extraction_month = %s, payments_known_through = %s, evaluate_cutoff = %s", stated
    )
    return stated


def _stated(variable: str, value: str, expected: str) -> date | None:
    if not value:
        return None
    day = f"{value}-01" if expected.startswith("month") and re.fullmatch("[0-9]{4}-[0-9]{2}", value) else value
    try:
        if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
            return date.fromisoformat(day)
    except ValueError:
        pass
    raise CommandError(
        f"{variable}='{value}' is not a {expected} (set it in .env, or leave it empty to take it from the files)"
    )


def assume_cutoff(conn: psycopg.Connection) -> str | None:
    """Record which day the flag of a new EVALUATE.csv speaks of first: the day after the last payment loaded.

    Returns the line that says so, or None if nothing was assumed.
    """
    [cutoff, assumed] = conn.execute(ASSUME_CUTOFF).fetchone() or [None, None]
    if not assumed or cutoff is None or settings().evaluate_cutoff:
        return None
    return (
        f"EVALUATE.csv: its flag is assumed to speak of the two months from {cutoff}, the day after the last payment"
        " loaded. If they begin on another day, set EVALUATE_CUTOFF=YYYY-MM-DD in .env."
    )


def dates_that_hold(conn: psycopg.Connection) -> str | None:
    """One line with the dates that features and labels follow; None while files are missing."""
    found = conn.execute(DATES).fetchone()
    if found is None:
        return None
    through, cutoff, end, month = found
    return (
        f"Payments known through {through}; EVALUATE.csv speaks of {cutoff} to {end};"
        f" month -1 of the monthly files is {month}."
    )


def check_stated_dates(conn: psycopg.Connection) -> None:
    """Raise CommandError if a stated date contradicts the loaded files."""
    [(first, month, through, cutoff)] = conn.execute(
        "select first_payment_date, extraction_month, payments_known_through, evaluate_cutoff from ops.current_data"
    ).fetchall()
    [found_month] = conn.execute(FOUND_MONTH).fetchone() or [None]
    if first and through < first:
        problem = f"PAYMENTS_KNOWN_THROUGH={through} lies before the first payment, {first}"
    elif through and through > latest_today():
        problem = f"PAYMENTS_KNOWN_THROUGH={through} lies in the future"
    elif settings().evaluate_cutoff and cutoff and through and (cutoff - through).days > 1:
        problem = (
            f"EVALUATE_CUTOFF={cutoff} lies more than a day after the last day whose payments are known, {through}:"
            " no label could come from the flag (state PAYMENTS_KNOWN_THROUGH too)"
        )
    elif cutoff and first and cutoff <= first:
        problem = f"EVALUATE_CUTOFF={cutoff} does not lie after the first payment, {first}"
    elif month and found_month and month < found_month:
        problem = (
            f"EXTRACTION_MONTH={month:%Y-%m} lies before the last logins in ACTIVE_USER.csv, of {found_month:%Y-%m}"
        )
    else:
        return
    raise CommandError(f"{problem}; correct it in .env")
