"""Texts of the page of the model in production."""

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
