"""The customers to contact, as a CSV file for the tool that mails them."""

from collections.abc import Iterator

import psycopg
from psycopg import sql

from ml.cli import CommandError

# The contact arm alone, ordered by customer: neither rows nor order tell who is in the control arm.
CONTACTS = """
copy (
    select {campaign} as campaign, customer_id, starts_on, stratum, score, expected_profit
    from ops.campaign_assignments
    join ops.campaigns using (campaign_id)
    where name = {name} and arm = 'contact'
    order by customer_id
) to stdout (format csv, header)
"""
EXISTS = "select from ops.campaigns where name = %s"
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def contacts(conn: psycopg.Connection, name: str) -> Iterator[bytes]:
    """Pieces of the file: a header, then one line for each customer to contact.

    Raises:
        CommandError: there is no campaign of this name.
    """
    if conn.execute(EXISTS, (name,)).fetchone() is None:
        raise CommandError(f"there is no campaign {name!r}; python -m ml.campaign list names those there are")
    query = sql.SQL(CONTACTS).format(campaign=sql.Literal(text_cell(name)), name=sql.Literal(name))
    with conn.cursor().copy(query) as copy:
        for piece in copy:
            yield bytes(piece)


def text_cell(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would take it for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(FORMULA) else text
