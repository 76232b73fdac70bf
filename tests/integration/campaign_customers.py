"""Made-up customers with scores, and what they do after a campaign has been created."""

from datetime import date

import numpy as np

from bench import synthetic
from ml.campaigns.create import Request
from ml.campaigns.profit import Assumptions
from tests.integration.conftest import Database

SNAPSHOT = date(2019, 6, 2)  # payments are known through 2019-07-31: the last day of its 60
SCORES = """
insert into ops.churn_scoring (customer_id, snapshot_date, score, prediction, model_version, scored_at)
select customer_id, snapshot_date, score, (score >= 0.5)::int, '7', now()
from (
    select *, 0.15 + 0.6 * ops.campaign_draw('a score', customer_id) as score
    from features.churn_weekly_features where snapshot_date = %(day)s and days_since_activity < 60
) as scored
"""
RUN = """
insert into ops.scoring_runs (
    snapshot_date, model_version, state, rows_scored, predicted_churn, mean_score, run_id, scored_at
)
select snapshot_date, min(model_version), 'complete', count(*), sum(prediction), avg(score), 'test', now()
from ops.churn_scoring where snapshot_date = %(day)s
group by snapshot_date
"""
ASSIGNED = """
select customer_id, arm, score, starts_on
from ops.campaign_assignments join ops.campaigns using (campaign_id) where name = %(name)s order by customer_id
"""
PAYMENT = """
insert into raw.payments (cus_cust_id_buy, fecha, spent)
select * from unnest(%s::bigint[], %s::date[], %s::float8[])
"""

ASSUMED = Assumptions(contact_cost=5, offer_cost=20, save_rate=0.25, margin=0.5)


def request(name: str = "June", customers: int | None = 6000, **stated: object) -> Request:
    """A request for a campaign of whoever is scored, with what a test states in place of the rest."""
    return Request(**{
        "name": name, "snapshot_date": SNAPSHOT, "assumptions": ASSUMED, "control_share": 0.3, "customers": customers,
        "who": "a test", "salt": "always the same", **stated,
    })  # fmt: skip


def score(database: Database, customers: int, day: date = SNAPSHOT) -> None:
    """Fill a snapshot with customers whose scores lie evenly between 0.15 and 0.75."""
    with database.connect() as conn:
        synthetic.fill(conn, day, customers)
        conn.execute("select ops.ensure_snapshot_partition('ops.churn_scoring', %s)", (day,))
        conn.execute(SCORES, {"day": day})
        conn.execute(RUN, {"day": day})
        conn.execute("analyze ops.churn_scoring")


def live_on(database: Database, name: str, effect: float, seed: int = 1) -> None:
    """Let each customer of a campaign churn with the probability of the score, less `effect` if contacted.

    Who does not churn pays 100 pesos once in the 60 days; all pay once before and once after them.
    """
    random = np.random.default_rng(seed)
    rows = database.rows(ASSIGNED, {"name": name})
    customers = np.array([row[0] for row in rows])
    is_contacted = np.array([row[1] == "contact" for row in rows])
    scores = np.array([row[2] for row in rows])
    first = np.datetime64(rows[0][3])
    stays = customers[random.random(len(rows)) >= scores - effect * is_contacted]
    days = first + random.integers(0, 60, len(stays))
    paid = np.concatenate([stays, customers, customers]).tolist()
    when = np.concatenate([days, np.repeat(first - 1, len(rows)), np.repeat(first + 60, len(rows))]).tolist()
    with database.connect() as conn:
        conn.execute(PAYMENT, (paid, when, [100.0] * len(paid)))
