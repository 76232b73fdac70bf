"""The dates stated in `.env`, which replace those found in the files."""

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


def state_dates(conn: psycopg.Connection) -> StatedDates:
    """Record the dates that the environment states; empty ones are taken from the files.

    Raises:
        CommandError: one of them is not a date.
    """
    env = settings()
    month = _stated("EXTRACTION_MONTH", env.extraction_month, "month (expected YYYY-MM)")
    stated = StatedDates(
        month and month.replace(day=1),
        _stated("DATA_COMPLETE_THROUGH", env.data_complete_through, "date (expected YYYY-MM-DD)"),
        _stated("EVALUATE_CUTOFF", env.evaluate_cutoff, "date (expected YYYY-MM-DD)"),
    )
    conn.execute(
        "update ops.stated_dates set extraction_month = %s, data_complete_through = %s, evaluate_cutoff = %s", stated
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


def check_stated_dates(conn: psycopg.Connection) -> None:
    """Raise CommandError if a stated date contradicts the loaded files."""
    [(first, month, through, cutoff)] = conn.execute(
        "select first_payment_date, extraction_month, data_complete_through, evaluate_cutoff from ops.current_data"
    ).fetchall()
    [found_month] = conn.execute(FOUND_MONTH).fetchone() or [None]
    if first and through < first:
        problem = f"DATA_COMPLETE_THROUGH={through} lies before the first payment, {first}"
    elif through and through > latest_today():
        problem = f"DATA_COMPLETE_THROUGH={through} lies in the future"
    elif cutoff and through and (cutoff - through).days > 1:
        problem = (
            f"EVALUATE_CUTOFF={cutoff} lies more than a day after the data are complete, {through}: days between them "
            "would count as days without payments (state DATA_COMPLETE_THROUGH too)"
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
