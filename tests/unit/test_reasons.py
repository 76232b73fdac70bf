"""The main reason for a score, in words."""

import pytest

from streamlit_app.reasons import main_reason

ROW = {
    "days_since_activity": 37, "payments_90d": 2, "active_days_30d": 0, "total_discount_30d": 1250.0, "mau_mp_1": 4,
    "tenure_days": 12, "plata_cuenta_1": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ({"recency": 0.4, "activity": 0.3}, "last payment 37 days ago"),
        (
            {"recency": -1.0, "activity": 0.3},
            "pays little: payments in 90 days: 2; days with payments in the last 30: 0",
        ),
        ({"visits": 0.2, "recency": 0.1}, "visits the apps little: days with a visit to MP in the month before: 4"),
        ({"spend": 0.2}, "discounts of ARS\N{NO-BREAK SPACE}1,250 in 30 days"),
        (
            {"account": 0.2},
            "account with little in it: days since the first payment, up to 90: 12; balance not known",
        ),
        ({"marketplace": 0.2}, "buys little on Mercado Libre"),
        ({"person": 0.2}, "personal details"),
        ({"recency": -0.4, "activity": 0.01}, "no reason stands out"),
    ],
)
def test_what_adds_most_is_the_reason(added, told):
    assert main_reason(ROW, added, "en") == told


def test_a_payment_of_yesterday_and_unknown_visits_have_words_of_their_own():
    row = {**ROW, "days_since_activity": 1, "mau_mp_1": None}
    assert main_reason(row, {"recency": 0.4}, "es") == "último pago ayer"
    assert main_reason(row, {"visits": 0.4}, "es") == "no se sabe de visitas a las aplicaciones"
