"""Texts of the page that scores an uploaded file."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
