"""The page's words, numbers and what it accepts as a customer id."""

import re
import string
from datetime import date, datetime

import pytest

from ml.snapshots.catalogue import FEATURES
from streamlit_app import inputs, texts
from streamlit_app.texts import feature_label


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
        (1e300, 2, "1e+300", "1e+300"),
        (2**63 - 1, 0, "9.223.372.036.854.775.807", "9,223,372,036,854,775,807"),
    ],
)
def test_numbers_use_the_languages_separators(value, digits, spanish, english):
    assert texts.number(value, "es", digits) == spanish
    assert texts.number(value, "en", digits) == english


def test_contributions_show_their_sign():
    shown = [(texts.signed(value, "es"), texts.signed(value, "en")) for value in (1.204, -1250.0, -0.001)]
    assert shown == [("+1,20", "+1.20"), ("-1.250,00", "-1,250.00"), ("+0,00", "+0.00")]


def test_percentages_and_dates_follow_the_language():
    assert (texts.percent(0.3721, "es"), texts.percent(0.3721, "en")) == ("37,2 %", "37.2%")
    assert (texts.day(date(2019, 5, 26), "es"), texts.day(date(2019, 5, 26), "en")) == ("26/05/2019", "2019-05-26")
    assert texts.minute(datetime(2019, 5, 26, 7, 5), "en") == "2019-05-26 07:05"


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
