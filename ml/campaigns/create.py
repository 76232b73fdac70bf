"""Creates a campaign: chooses its customers, draws its arms, records both in one transaction."""

import getpass
import secrets
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from ml.campaigns.candidates import Segment, candidates, current_run
from ml.campaigns.profit import Assumptions, curves, in_range
from ml.campaigns.refusals import (
    BAD_CONTROL_SHARE,
    BAD_NAME,
    BAD_PERSON,
    BAD_START,
    EXISTS,
    LONG_NAME,
    NOBODY_LEFT,
    NOBODY_WORTH_IT,
    OTHER_SCORES,
    TOO_FEW,
    TOO_MANY,
    Refused,
)
from ml.settings import settings
from ml.snapshots.catalogue import CHURN_DAYS
from ml.utils_io import connect_to_create_campaigns, lock_writer, sql, with_lock_retries

STRATA = 10
LEAST_OF_AN_ARM = 2  # in a stratum: a variance needs two
LONGEST_NAME = 80
SAME_NAME = "select from ops.campaigns where name = %s"
RECORD = """
insert into ops.campaigns (
    name, snapshot_date, scoring_run_id, model_version, segment, contact_cost, offer_cost, save_rate, margin, budget,
    capacity, customers, control_share, holdout_share, salt, starts_on, created_by
)
values (
    %(name)s, %(snapshot_date)s, %(scoring_run_id)s, %(model_version)s, %(segment)s, %(contact_cost)s, %(offer_cost)s,
    %(save_rate)s, %(margin)s, %(budget)s, %(capacity)s, %(customers)s, %(control_share)s, %(holdout_share)s, %(salt)s,
    %(starts_on)s, %(created_by)s
)
returning campaign_id
"""
ARMS = """
select
    count(*) filter (where arm = 'contact') as contact,
    count(*) filter (where arm = 'control') as control,
    coalesce(sum(expected_profit) filter (where arm = 'contact'), 0) as expected_profit
from ops.campaign_assignments
where campaign_id = %s
group by stratum
"""


@dataclass(frozen=True)
class Request:
    """What a campaign is to be. `customers`: how many to choose, both arms together; None: the best number.

    `starts_on`: None for the snapshot's date. `scoring_run_id`: the scores that the person saw; None: those of now.
    `salt`: the same salt and customers give the same arms.

    Raises:
        Refused: a value is outside its range; the message names it.
    """

    name: str
    snapshot_date: date
    assumptions: Assumptions
    control_share: float
    segment: Segment = field(default_factory=Segment)
    customers: int | None = None
    starts_on: date | None = None
    scoring_run_id: int | None = None
    who: str = ""
    salt: str = field(default_factory=lambda: secrets.token_hex(16))

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name != self.name.strip() or not self.name.isprintable():
            raise Refused(BAD_NAME, name=self.name)
        if len(self.name) > LONGEST_NAME:
            raise Refused(LONG_NAME, length=len(self.name), longest=LONGEST_NAME)
        if not self.who.isprintable():
            raise Refused(BAD_PERSON, name=self.who)
        if not 0 < self.control_share < 1:
            raise Refused(BAD_CONTROL_SHARE, value=float(self.control_share))
        in_range("customers", self.customers, 1, 1e9)
        last = self.snapshot_date + timedelta(days=CHURN_DAYS - 1)
        if not self.snapshot_date <= self.start <= last:
            raise Refused(BAD_START, start=self.start, snapshot=self.snapshot_date, days=CHURN_DAYS, last=last)

    @property
    def start(self) -> date:
        """First day of the campaign."""
        return self.starts_on or self.snapshot_date


def create(request: Request) -> dict[str, Any]:
    """Choose the customers, assign them to contact and control, and record the campaign; return the counts.

    Raises:
        Refused: no scores, other scores than the person saw, nobody to contact, too few for both arms, or the name
            is taken.
        TryLater: PostgreSQL cannot be reached.
    """
    return with_lock_retries(lambda: _create(request))


def _create(request: Request) -> dict[str, Any]:
    with connect_to_create_campaigns(application_name=f"ml.campaign {request.snapshot_date}") as conn:
        lock_writer(conn, "ops.campaigns")  # so that no two campaigns choose the same customer
        if conn.execute(SAME_NAME, (request.name,)).fetchone() is not None:
            raise Refused(EXISTS, name=request.name)
        run = current_run(conn, request.snapshot_date)
        if request.scoring_run_id not in (None, run.scoring_run_id):
            raise Refused(OTHER_SCORES, snapshot=request.snapshot_date, version=run.model_version)
        rows = candidates(conn, request.snapshot_date, request.start)
        rows = rows[request.segment.holds(rows)]
        value = rows["spent_90d"].to_numpy() * request.assumptions.margin
        planned = curves(rows["score"].to_numpy(), value, request.assumptions)
        number = _number(request, len(rows), planned.limit, planned.best)
        chosen = planned.order[:number]
        campaign = {
            **vars(request),
            **vars(request.assumptions),
            **vars(run),
            "segment": Jsonb(request.segment.conditions),
            "customers": number,
            "holdout_share": settings().campaign_holdout_share,
            "starts_on": request.start,
            "created_by": request.who.strip() or settings().who or getpass.getuser(),
        }
        ((campaign_id,),) = conn.execute(RECORD, campaign).fetchall()
        assigned = {
            "campaign_id": campaign_id,
            "salt": request.salt,
            "control_share": request.control_share,
            "strata": STRATA,
            "customer_id": rows["customer_id"].to_numpy()[chosen].tolist(),
            "score": rows["score"].to_numpy()[chosen].tolist(),
            "value": value[chosen].tolist(),
            "expected_profit": planned.profit[chosen].tolist(),
        }
        conn.execute(sql("campaign_assign"), assigned)
        strata = conn.execute(ARMS, (campaign_id,)).fetchall()
        contact, control, expected_profit = (sum(column) for column in zip(*strata, strict=True))
        if len(strata) < STRATA or min(min(of[:2]) for of in strata) < LEAST_OF_AN_ARM:
            raise Refused(
                TOO_FEW,
                number=number,
                share=float(request.control_share),
                strata=STRATA,
                least=LEAST_OF_AN_ARM,
            )
        now = current_run(conn, request.snapshot_date)
        if now != run:
            raise Refused(OTHER_SCORES, snapshot=request.snapshot_date, version=now.model_version)
    return {
        "campaign": request.name,
        "campaign_id": campaign_id,
        "snapshot_date": request.snapshot_date,
        "starts_on": request.start,
        "model_version": run.model_version,
        "eligible": len(rows),
        "contact": int(contact),
        "control": int(control),
        "expected_profit": float(expected_profit),
    }


def _number(request: Request, eligible: int, limit: int, best: int) -> int:
    """How many customers to choose.

    Raises:
        Refused: nobody can be contacted, or fewer than were asked for.
    """
    if eligible == 0:
        raise Refused(NOBODY_LEFT, snapshot=request.snapshot_date, days=CHURN_DAYS, start=request.start)
    if request.customers is None:
        if best == 0:
            raise Refused(NOBODY_WORTH_IT)
        return best
    if request.customers > limit:
        raise Refused(TOO_MANY, number=request.customers, limit=limit)
    return request.customers
