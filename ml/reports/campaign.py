"""What the page of campaigns reads beside `ml.campaigns`: the scored snapshots, and what is known by now."""

from datetime import date, datetime
from typing import NamedTuple

import psycopg

SCORED = """
select snapshot_date, scoring_run_id, model_version, scored_at
from ops.scoring_runs where replaced_at is null order by snapshot_date desc
"""
NEWEST = "select coalesce(max(campaign_id), 0) from ops.campaigns"
KNOWN_THROUGH = "select payments_known_through from ops.current_data"


class Scored(NamedTuple):
    """A snapshot with scores, and the run that gave them."""

    snapshot_date: date
    scoring_run_id: int
    model_version: str
    scored_at: datetime


def scored_snapshots(conn: psycopg.Connection) -> list[Scored]:
    """The newest first."""
    return [Scored(*row) for row in conn.execute(SCORED)]


def newest_campaign(conn: psycopg.Connection) -> int:
    """Number of the campaign created last, 0 without any: another one leaves other customers to choose from."""
    ((campaign_id,),) = conn.execute(NEWEST).fetchall()
    return int(campaign_id)


def payments_known_through(conn: psycopg.Connection) -> date | None:
    """Last day whose payments are known, None if no files are loaded."""
    row = conn.execute(KNOWN_THROUGH).fetchone()
    return None if row is None else row[0]
