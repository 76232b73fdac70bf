"""Numbers, shares, money, dates and moments as each language writes them (Babel's locales es_AR and en_US)."""

from datetime import date, datetime

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal, format_scientific, get_currency_symbol

LOCALES = {"es": Locale("es", "AR"), "en": Locale("en", "US")}
CURRENCY = "ARS"
EXPONENT_FROM = 1e15  # more digits than a float has


def number(value: float, language: str, digits: int = 2) -> str:
    """`value` with at most `digits` decimals: 1.234,5 (es), 1,234.5 (en)."""
    if isinstance(value, float) and abs(value) >= EXPONENT_FROM:
        return str(format_scientific(value, locale=LOCALES[language]))
    rounded = value if isinstance(value, int) else round(value, digits) + 0.0  # + 0.0: no negative zero
    return str(format_decimal(rounded, format="#,##0." + "#" * digits, locale=LOCALES[language]))


def fixed(value: float, language: str, digits: int) -> str:
    """`value` with `digits` decimals, so that a column lines up: 0,830 (es), 0.830 (en)."""
    return str(format_decimal(round(value, digits) + 0.0, format="#,##0." + "0" * digits, locale=LOCALES[language]))


def signed(value: float, language: str, digits: int = 2) -> str:
    """`value` with its sign and `digits` decimals: +1,25 (es), +1.25 (en)."""
    pattern = "#,##0." + "0" * digits if digits else "#,##0"
    return str(format_decimal(round(value, digits) + 0.0, format=f"+{pattern};-{pattern}", locale=LOCALES[language]))


def percent(share: float, language: str, digits: int = 1) -> str:
    """A share as a percentage with `digits` decimals: 37,2% (es), 37.2% (en)."""
    locale = LOCALES[language]
    decimals = "." + "0" * digits if digits else ""
    pattern = locale.percent_formats[None].pattern.replace("##0", f"##0{decimals}")
    return str(format_decimal(share, format=pattern, locale=locale))


def money(pesos: float, language: str) -> str:
    """An amount in whole Argentine pesos: $1.234 (es), ARS 1,234 (en)."""
    locale = LOCALES[language]
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    if get_currency_symbol(CURRENCY, locale).isalpha():
        pattern = pattern.replace("¤", "¤\N{NO-BREAK SPACE}")
    return str(format_currency(round(pesos) + 0, CURRENCY, pattern, locale=locale, currency_digits=False))


def day(value: date, language: str) -> str:
    """A date: 26 may 2019 (es), May 26, 2019 (en)."""
    return str(format_date(value, "medium", locale=LOCALES[language]))


def minute(value: datetime, language: str) -> str:
    """A moment to the minute in its own time zone: 26 may 2019, 07:05 (es), May 26, 2019, 07:05 (en)."""
    return (
        f"{day(value.date(), language)}, {format_time(value, 'HH:mm', tzinfo=value.tzinfo, locale=LOCALES[language])}"
    )
