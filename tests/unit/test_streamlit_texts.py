"""The page's words, numbers and what it accepts as a customer id."""

import re
import string
from datetime import UTC, date, datetime

import pytest

from ml.snapshots.catalogue import FEATURES
from streamlit_app import formats, inputs, texts
from streamlit_app.texts import feature_label
from streamlit_app.words import batch, campaign, common, customer, model, monitoring, this_week


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", texts.TEXTS)
def test_both_languages_say_a_text_with_the_same_values_and_commands(key):
    spanish, english = texts.TEXTS[key]
    assert spanish
    assert english
    assert placeholders(spanish) == placeholders(english)
    assert re.findall("`.*?`", spanish) == re.findall("`.*?`", english)


def test_every_feature_has_a_label_of_its_own_in_both_languages():
    labels = {language: [feature.shown(language) for feature in FEATURES] for language in texts.LANGUAGES}
    assert all(len(set(found)) == len(FEATURES) for found in labels.values())
    assert all(spanish != english for spanish, english in zip(*labels.values(), strict=True))


def test_a_feature_without_a_name_shows_its_column():
    assert feature_label("new_feature_30d", "es") == "new_feature_30d"


@pytest.mark.parametrize(
    ("value", "digits", "spanish", "english"),
    [
        (1234.5, 2, "1.234,5", "1,234.5"),
        (1000.0, 2, "1.000", "1,000"),
        (0.0, 2, "0", "0"),
        (-0.0004, 2, "0", "0"),
        (-1.25, 2, "-1,25", "-1.25"),
        (100, 0, "100", "100"),
        (1e300, 2, "1E300", "1E300"),
        (2**63 - 1, 0, "9.223.372.036.854.775.807", "9,223,372,036,854,775,807"),
    ],
)
def test_numbers_use_the_languages_separators(value, digits, spanish, english):
    assert formats.number(value, "es", digits) == spanish
    assert formats.number(value, "en", digits) == english


def test_contributions_show_their_sign():
    shown = [(formats.signed(value, "es"), formats.signed(value, "en")) for value in (1.204, -1250.0, -0.001)]
    assert shown == [("+1,20", "+1.20"), ("-1.250,00", "-1,250.00"), ("+0,00", "+0.00")]


def shown(write, value, language, **options):
    """What is written, with ordinary blanks in place of those that do not break."""
    return re.sub(r"\s", " ", write(value, language, **options))


@pytest.mark.parametrize(
    ("write", "value", "spanish", "english"),
    [
        (formats.percent, 0.3721, "37,2%", "37.2%"),
        (formats.percent, 1.0, "100,0%", "100.0%"),
        (formats.money, 1234.6, "$1.235", "ARS 1,235"),
        (formats.money, -0.2, "$0", "ARS 0"),
        (formats.day, date(2019, 5, 26), "26 may 2019", "May 26, 2019"),
        (formats.minute, datetime(2019, 5, 26, 7, 5, tzinfo=UTC), "26 may 2019, 07:05", "May 26, 2019, 07:05"),
    ],
)
def test_shares_money_and_dates_follow_the_language(write, value, spanish, english):
    assert (shown(write, value, "es"), shown(write, value, "en")) == (spanish, english)


def test_decimals_can_be_left_out():
    assert (shown(formats.percent, 0.5, "es", digits=0), formats.signed(3, "es", 0)) == ("50%", "+3")


def test_no_text_is_given_by_two_pages():
    parts = (common, this_week, customer, campaign, batch, model, monitoring)
    assert sum(len(part.TEXTS) for part in parts) == len(texts.TEXTS)


@pytest.mark.parametrize("typed", ["`rm`", "a\n\n# heading", "[x](javascript:alert(1))", "$x$", "", "x" * 500])
def test_typed_text_is_shown_as_code_and_never_as_markup(typed):
    shown = texts.code(typed)
    assert re.fullmatch("`[^`\n]{1,80}`", shown)


@pytest.mark.parametrize(
    ("typed", "expected"), [("54018", 54018), (" 54018 ", 54018), ("9223372036854775807", 2**63 - 1)]
)
def test_customer_ids_are_read(typed, expected):
    assert inputs.customer_id(typed) == expected


@pytest.mark.parametrize(
    "typed",
    ["", " ", "0", "-5", "+5", "1.5", "54018.0", "1e5", "nan", "NaN", "inf", "9223372036854775808", "9" * 200,
     "1; drop table raw.payments", "' or 1=1 --", "٣", "\uff15", "1_000", "0x10", "1 2", "\x00"],
)  # fmt: skip
def test_anything_else_is_no_customer_id(typed):
    assert inputs.customer_id(typed) is None
