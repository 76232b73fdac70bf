"""The distinct days in a file, and which of them cannot be right."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import duckdb

from ml.loading.files import ACTIVE_USER, PAYMENTS, RawFile


class StatedDates(NamedTuple):
    """The dates that `.env` states, which replace those found in the files."""

    extraction_month: date | None
    payments_known_through: date | None
    evaluate_cutoff: date | None


# `fields` counts the records by the fields of each column of days.
DAYS = """
create or replace table days as
select
    header, field,
    case when regexp_full_match(field, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast(field as date) end as day,
    rows, null::text as problem
from fields where field is not null
"""
NO_DAYS = "update days set problem = wrong(header, field, 'is not a date (expected YYYY-MM-DD)') where day is null"
FUTURE_DAYS = "update days set problem = wrong(header, field, 'lies in the future') where day > $today"
# Stray payment days would otherwise be taken for the beginning or end of the data.
LONE_DAYS = """
with counted as (
    select
        day,
        day - lag(day) over (order by day) as gap,
        sum(rows) over (order by day) - rows as rows_before,
        sum(rows) over () as rows
    from days where problem is null
),
whole as (
    select
        max(day) filter (where gap > 31 and rows_before < rows * 0.001) as first_day,
        min(day) filter (where gap > 31 and rows - rows_before < rows * 0.001) as first_day_after
    from counted
)
update days
set problem = wrong(header, field, 'lies alone, more than 31 days '
    || case when day < first_day then 'before' else 'after' end || ' all but 0.1 % of the payments')
from whole
where problem is null
  and (day < first_day or day >= first_day_after and day > coalesce($payments_known_through, '-infinity'::date))
"""
# A stray late login would otherwise determine the extraction month.
LATE_LOGINS = """
with counted as (
    select day, sum(rows) over (order by day) - rows as rows_before, sum(rows) over () as rows
    from days where problem is null
),
months as (
    select date_trunc('month', day)::date as month, min(rows_before) as rows_before, min(rows) as rows
    from counted group by all
),
whole as (
    select coalesce($extraction_month, max(month) filter (where rows - rows_before >= rows * 0.001)) as extraction_month
    from months
)
update days
set problem = wrong(header, field, 'lies after the extraction month, ' || strftime(extraction_month, '%Y-%m'))
from whole
where problem is null and day >= extraction_month + interval '1 month'
"""


def latest_today() -> date:
    """Today in the time zone farthest ahead; a later day is in the future everywhere."""
    return (datetime.now(UTC) + timedelta(hours=14)).date()


def find_days(duck: duckdb.DuckDBPyConnection, raw: RawFile, stated: StatedDates) -> None:
    """Make the table `days` from the table `fields`, with the problem of each invalid day."""
    duck.execute(DAYS)
    duck.execute(NO_DAYS)
    duck.execute(FUTURE_DAYS, {"today": latest_today()})
    if raw is PAYMENTS:
        duck.execute(LONE_DAYS, {"payments_known_through": stated.payments_known_through})
    elif raw is ACTIVE_USER:
        duck.execute(LATE_LOGINS, {"extraction_month": stated.extraction_month})
