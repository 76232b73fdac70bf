"""The catalogue of texts in Spanish and English: each page's own, and what pages share."""

from ml.snapshots.catalogue import BY_NAME
from streamlit_app.words import batch, campaign, common, customer, model, monitoring, this_week

LANGUAGES = {"es": "Español", "en": "English"}
DEFAULT_LANGUAGE = "es"

# key: (Spanish, English)
TEXTS: dict[str, tuple[str, str]] = {}
for part in (common, this_week, customer, campaign, batch, model, monitoring):
    TEXTS |= part.TEXTS


def say(key: str, language: str, **values: object) -> str:
    """The text `key` in `language` (es or en), with `values` put in."""
    spanish, english = TEXTS[key]
    return (spanish if language == "es" else english).format(**values)


def feature_label(name: str, language: str) -> str:
    """Label of a feature; the column's name for a feature of an older model that is no longer in the catalogue."""
    return BY_NAME[name].shown(language) if name in BY_NAME else name


def code(value: object, longest: int = 80) -> str:
    """`value` as inline code, so that nothing typed or stored is read as Markdown; cut to `longest` characters."""
    text = " ".join(str(value).replace("`", "'").split())
    return f"`{text[: longest - 1]}…`" if len(text) > longest else f"`{text or ' '}`"
