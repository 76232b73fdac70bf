"""The crypto history holds every kind of dirt, each at a low rate, among purchases that make sense."""

from datetime import date

import pandas as pd
import pytest

from sample_data.crypto import COINS, SITES
from sample_data.generate import CRYPTO_FILE, Request, generate

KEY = ["site_id", "user_id", "purchase_date", "crypto_type", "purchase_units"]
D_M_YYYY = r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    out = tmp_path_factory.mktemp("crypto")
    generate(Request(5_000, 1, date(2019, 7, 1)), out)
    return pd.read_csv(out / CRYPTO_FILE, dtype={"user_id": "Int64", "purchase_date": str})


@pytest.fixture(scope="module")
def dates(history: pd.DataFrame) -> pd.Series:
    """Dates that can be read as D/M/YYYY, NaT for the others."""
    plain = history.purchase_date.where(history.purchase_date.str.strip().str.fullmatch(D_M_YYYY))
    return pd.to_datetime(plain.str.strip(), format="%d/%m/%Y", errors="coerce")


def test_size_and_period(history: pd.DataFrame, dates: pd.Series) -> None:
    assert 15_000 < len(history) < 25_000
    due = dates[dates < "2020-01-01"]
    assert (due.min(), due.max()) == (pd.Timestamp("2018-10-01"), pd.Timestamp("2019-06-30"))
    assert len(due) / len(history) > 0.98


def test_prices_follow_the_market(history: pd.DataFrame, dates: pd.Series) -> None:
    clean = history.assign(date=dates)[history.crypto_type.isin(list(COINS)) & (history.purchase_price > 0)]
    december = clean[clean.date.between("2018-12-10", "2018-12-20")].groupby("crypto_type").purchase_price.median()
    june = clean[clean.date.between("2019-06-20", "2019-06-30")].groupby("crypto_type").purchase_price.median()
    assert 2_500 < december.BTC < 5_500
    assert 8_000 < june.BTC < 13_000
    assert 0.95 < june.USDC < 1.05


def test_rows_arrive_about_in_order_of_purchase(dates: pd.Series) -> None:
    due = dates[dates < "2020-01-01"]
    late = (due.cummax() - due).dt.days
    assert (late > 0).mean() < 0.02
    assert late.max() > 5


def test_a_user_may_lie_past_the_four_byte_range(history: pd.DataFrame) -> None:
    assert history.user_id.max() > 2**31


def test_days_and_months_with_and_without_leading_zeros(history: pd.DataFrame) -> None:
    assert history.purchase_date.str.fullmatch(r"0[0-9]/0[0-9]/[0-9]{4}").mean() > 0.02
    assert history.purchase_date.str.fullmatch(r"[1-9]/[1-9]/[0-9]{4}").mean() > 0.05


@pytest.mark.parametrize(
    "column", ["site_id", "user_id", "purchase_date", "crypto_type", "purchase_price", "purchase_units"]
)
def test_nulls_in_every_column(history: pd.DataFrame, column: str) -> None:
    assert 0 < history[column].isna().mean() < 0.01


def test_every_other_kind_of_dirt(history: pd.DataFrame, dates: pd.Series) -> None:
    known_texts = history.purchase_date.str.strip().dropna()
    plain = known_texts.str.fullmatch(D_M_YYYY)
    unreadable = dates[known_texts.index].isna()
    site, coin = history.site_id.dropna(), history.crypto_type.dropna()
    copies = history.duplicated()
    kinds = {
        "impossible date": plain & unreadable,
        "other format": ~plain,
        "future date": dates > "2050-01-01",
        "blanks around the date": history.purchase_date != history.purchase_date.str.strip(),
        "variant of a site": ~site.isin(list(SITES)) & site.str.strip().str.upper().isin(list(SITES)),
        "variant of a coin": ~coin.isin(list(COINS)) & coin.str.strip().str.upper().isin(list(COINS)),
        "unknown site": ~site.str.strip().str.upper().isin(list(SITES)),
        "unknown coin": ~coin.str.strip().str.upper().isin(list(COINS)),
        "zero units": history.purchase_units == 0,
        "negative units": history.purchase_units < 0,
        "negative price": history.purchase_price < 0,
        "exact copy": copies,
        "corrected price": history.duplicated(KEY) & ~copies,
    }
    assert {kind: int(rows.sum()) for kind, rows in kinds.items() if not 0 < rows.sum() / len(history) < 0.04} == {}
