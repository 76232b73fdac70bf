"""Texts of the home page."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
