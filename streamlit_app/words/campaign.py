"""Texts of the page of campaigns."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
