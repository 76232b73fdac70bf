"""Validates what a user typed, before it reaches PostgreSQL or the model."""

import re

LARGEST_ID = 2**63 - 1


def customer_id(text: str) -> int | None:
    """A customer id from the form's text, 1 to LARGEST_ID in ASCII digits, blanks around it allowed; else None."""
    stripped = text.strip()
    if not re.fullmatch(r"[0-9]{1,19}", stripped, re.ASCII):
        return None
    number = int(stripped)
    return number if 1 <= number <= LARGEST_ID else None
