"""Texts of the page of monitoring."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
