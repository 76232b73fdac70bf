"""The campaigns on record, with the size of their arms."""

from typing import Any

import psycopg
from psycopg.rows import dict_row

CAMPAIGNS = """
select
    campaign_id, name, snapshot_date, starts_on, model_version, segment, contact_cost, offer_cost, save_rate, margin,
    budget, capacity, control_share, contact, control, expected_profit, created_by, created_at
from ops.campaigns
cross join lateral (
    select
        count(*) filter (where arm = 'contact') as contact,
        count(*) filter (where arm = 'control') as control,
        sum(expected_profit) filter (where arm = 'contact') as expected_profit
    from ops.campaign_assignments
    where campaign_assignments.campaign_id = campaigns.campaign_id
) as arms
order by campaign_id desc
"""


def campaigns(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """One dictionary a campaign, the newest first; money in pesos, `expected_profit` of the contact arm."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(CAMPAIGNS).fetchall()
