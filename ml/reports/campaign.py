"""What the page of campaigns reads beside `ml.campaigns`: whether there is a new one."""

import psycopg

NEWEST = "select coalesce(max(campaign_id), 0) from ops.campaigns"


def newest_campaign(conn: psycopg.Connection) -> int:
    """Number of the campaign created last, 0 without any: another one leaves other customers to choose from."""
    ((campaign_id,),) = conn.execute(NEWEST).fetchall()
    return int(campaign_id)
