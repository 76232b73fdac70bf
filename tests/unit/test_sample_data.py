"""The generated files have the shape that docs/data.md describes."""

import json
import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from sample_data.demographics import AGES, CARDS, GENDERS, STATES
from sample_data.generate import FIRST_ID, LAST_ID, Request, generate
from sample_data.outputs import digest
from sample_data.payments import SEGMENTS
from sample_data.periods import Calendar
from sample_data.profiles import INVESTMENTS

ROOT = Path(__file__).resolve().parents[2]
CUSTOMERS = 20_000
REAL_CUSTOMERS = 43_502
REAL_PAYMENTS = 555_516
REAL_PAYMENTS_BY_MONTH = {1: 62_000, 2: 65_000, 3: 81_000, 4: 93_000, 5: 115_000, 6: 133_000}
KEY = "CUS_CUST_ID_BUY"
HEADERS = {
    "PAYMENTS.csv": "FECHA,CUS_CUST_ID_SEL,CUS_CUST_ID_BUY,SPENT,TPV_SEGMENT_DETAIL,DESCUENTO",
    "ACTIVE_USER.csv": "CUS_CUST_ID_BUY,MAU_MP_3,MAU_ML_3,MAU_MP_2,MAU_ML_2,MAU_MP_1,MAU_ML_1,"
    "last_login_mp_date_1,last_login_ml_date_1",
    "DEMOGRAFICOS.csv": "CITY,CUS_CUST_ID_BUY,GENDER,RANGO_EDAD,TARJETAS,ESTADO",
    "DINERO_CUENTA.csv": "CUS_CUST_ID_BUY,PLATA_CUENTA_1,PLATA_CUENTA_2,INVERSION",
    "EVALUATE.csv": "CUS_CUST_ID_BUY,churn",
    "MARKETPLACE_DATA.csv": "CUS_CUST_ID_BUY,SPENT_ML,RECENCY_ML,FREQUENCY_ML",
    "sample_data/crypto_transaction_history.csv": "site_id,user_id,purchase_date,crypto_type,purchase_price,"
    "purchase_units",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("extraction")
    generate(Request(CUSTOMERS, 1, date(2019, 7, 1)), out)
    return out


@pytest.fixture(scope="module")
def payments(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "PAYMENTS.csv")


def texts(folder: Path, file: str) -> pd.DataFrame:
    """A file's fields as they are written, empty ones as NA."""
    return pd.read_csv(folder / file, dtype=str, keep_default_na=False, na_values=[""])


def shares(column: pd.Series) -> dict[str, float]:
    return column.value_counts(normalize=True).to_dict()


def test_headers(folder: Path) -> None:
    for path, header in HEADERS.items():
        with (folder / path).open(encoding="utf-8") as file:
            assert file.readline() == header + "\n"


def test_lines_end_with_lf(folder: Path) -> None:
    for path in HEADERS:
        assert b"\r" not in (folder / path).read_bytes()


def test_customers_are_the_same_set_in_three_files(folder: Path, payments: pd.DataFrame) -> None:
    customers = set(payments[KEY])
    assert len(customers) == CUSTOMERS
    for file in ("ACTIVE_USER.csv", "EVALUATE.csv"):
        ids = pd.read_csv(folder / file)[KEY]
        assert ids.is_unique
        assert set(ids) == customers


@pytest.mark.parametrize(
    ("file", "share"), [("DEMOGRAFICOS.csv", 0.70), ("DINERO_CUENTA.csv", 0.957), ("MARKETPLACE_DATA.csv", 0.562)]
)
def test_coverage_of_the_other_files(folder: Path, payments: pd.DataFrame, file: str, share: float) -> None:
    ids = pd.read_csv(folder / file)[KEY]
    assert ids.is_unique
    assert set(ids) <= set(payments[KEY])
    assert len(ids) / CUSTOMERS == pytest.approx(share, abs=0.015)


def test_customer_ids_are_whole_numbers_and_floats_in_dinero_cuenta(folder: Path) -> None:
    for file in ("ACTIVE_USER.csv", "DEMOGRAFICOS.csv", "EVALUATE.csv", "MARKETPLACE_DATA.csv", "PAYMENTS.csv"):
        ids = texts(folder, file)[KEY]
        assert ids.str.fullmatch(r"[0-9]+").all(), file
        assert ids.astype("int64").between(FIRST_ID, LAST_ID).all(), file
    assert texts(folder, "DINERO_CUENTA.csv")[KEY].str.fullmatch(r"[0-9]+\.0").all()


def test_payments_grow_by_month_to_the_real_volume(payments: pd.DataFrame) -> None:
    scale = REAL_CUSTOMERS / CUSTOMERS
    assert len(payments) * scale == pytest.approx(REAL_PAYMENTS, rel=0.05)
    by_month = pd.to_datetime(payments.FECHA).dt.month.value_counts().mul(scale).to_dict()
    assert by_month == pytest.approx(REAL_PAYMENTS_BY_MONTH, rel=0.1)


def test_payments_are_sorted_and_cover_the_half_year(payments: pd.DataFrame) -> None:
    assert payments.FECHA.is_monotonic_increasing
    assert (payments.FECHA.iloc[0], payments.FECHA.iloc[-1]) == ("2019-01-01", "2019-06-30")
    assert payments.FECHA.nunique() == 181


def test_payments_a_customer_have_a_heavy_tail(payments: pd.DataFrame) -> None:
    rows = payments.groupby(KEY).size()
    assert rows.min() == 1
    assert 2 <= rows.median() <= 6
    assert 500 < rows.max() <= 2_900


def test_segments(payments: pd.DataFrame) -> None:
    assert set(payments.TPV_SEGMENT_DETAIL) <= set(SEGMENTS)
    real = {"Cellphone Recharge": 0.31, "Transport": 0.25, "Instore": 0.25, "Utilities": 0.1, "Money Transfer": 0.08}
    found = shares(payments.TPV_SEGMENT_DETAIL)
    assert {segment: found[segment] for segment in real} == pytest.approx(real, abs=0.025)


def test_four_sellers_take_two_thirds(payments: pd.DataFrame) -> None:
    sellers = payments.CUS_CUST_ID_SEL.value_counts(normalize=True)
    assert sellers.iloc[:4].sum() == pytest.approx(2 / 3, abs=0.03)
    assert sellers.iloc[3] > 5 * sellers.iloc[4]
    assert len(sellers) / CUSTOMERS == pytest.approx(37_389 / REAL_CUSTOMERS, rel=0.07)


def test_amounts_are_non_negative_with_up_to_four_decimals(folder: Path) -> None:
    written = texts(folder, "PAYMENTS.csv")
    for column in ("SPENT", "DESCUENTO"):
        assert written[column].str.fullmatch(r"[0-9]+(\.[0-9]{1,4})?").all()
    spent = written.SPENT.astype(float)
    assert written.SPENT.str.fullmatch(r"[0-9]+\.[0-9]{4}").any()
    assert spent.quantile(0.999) > 50 * spent.median()


def test_monthly_visits(folder: Path) -> None:
    visits = texts(folder, "ACTIVE_USER.csv")
    for back, empty in ((1, 0.15), (2, 0.19), (3, 0.24)):
        for app in ("MP", "ML"):
            column = visits[f"MAU_{app}_{back}"]
            assert column.isna().mean() == pytest.approx(empty, abs=0.025)
            assert set(column.dropna()) <= {f"{days}.0" for days in range(32)}
    for app in ("mp", "ml"):
        last = visits[f"last_login_{app}_date_1"]
        assert last.isna().mean() == pytest.approx(0.15, abs=0.025)
        assert (last.min(), last.max()) == ("2019-05-01", "2019-05-31")


def test_balances(folder: Path) -> None:
    balances = texts(folder, "DINERO_CUENTA.csv")
    newest = balances.PLATA_CUENTA_1.astype(float)
    assert newest.notna().all()
    assert newest.median() == 0
    assert newest.quantile(0.9) == pytest.approx(4_500, rel=0.15)
    assert newest.max() <= 1_600_000
    assert balances.PLATA_CUENTA_2.isna().mean() == pytest.approx(0.045, abs=0.01)
    assert set(balances.INVERSION.dropna()) <= set(INVESTMENTS)
    assert balances.INVERSION.isna().mean() == pytest.approx(0.02, abs=0.005)
    found = shares(balances.INVERSION)
    real = {"eligible": 0.43, "warmup": 0.24, "pending": 0.13, "investing": 0.13}
    assert {state: found[state] for state in real} == pytest.approx(real, abs=0.02)


def test_demographics(folder: Path) -> None:
    people = texts(folder, "DEMOGRAFICOS.csv")
    for column, known in (("GENDER", GENDERS), ("RANGO_EDAD", AGES), ("TARJETAS", CARDS), ("ESTADO", STATES)):
        assert set(people[column]) <= set(known)
    assert len(STATES) == 32
    assert people.CITY.isna().mean() == pytest.approx(0.06, abs=0.01)
    assert people.CITY.nunique() > 1_500
    assert people.CITY.str.contains(",").any()
    assert shares(people.GENDER) == pytest.approx({"male": 0.52, "female": 0.42, "Unknown": 0.06}, abs=0.015)
    assert shares(people.ESTADO)["buenos aires"] == pytest.approx(0.44, abs=0.015)
    assert shares(people.TARJETAS)["Credit Card"] == pytest.approx(0.47, abs=0.015)


def test_marketplace(folder: Path) -> None:
    bought = pd.read_csv(folder / "MARKETPLACE_DATA.csv")
    assert "2018-12-01" <= bought.RECENCY_ML.min() < "2018-12-10"
    assert bought.RECENCY_ML.max() == "2019-06-01"
    assert "2018-12-31" in set(bought.RECENCY_ML)
    assert not bought.isna().any().any()
    assert bought.FREQUENCY_ML.between(1, 106).all()


def test_thirty_six_percent_stay_away(folder: Path) -> None:
    assert set(texts(folder, "EVALUATE.csv").churn) == {"0.0", "1.0"}
    assert pd.read_csv(folder / "EVALUATE.csv").churn.mean() == pytest.approx(0.36, abs=0.015)


def test_those_who_stay_away_paid_less_lately(folder: Path, payments: pd.DataFrame) -> None:
    flag = pd.read_csv(folder / "EVALUATE.csv").set_index(KEY).churn
    june = payments[payments.FECHA >= "2019-06-01"].groupby(KEY).size().reindex(flag.index, fill_value=0)
    assert june.rank().corr(flag) < -0.4


def test_calendar_follows_until(tmp_path: Path) -> None:
    generate(Request(2_000, 1, date(2026, 3, 15)), tmp_path)
    fecha = pd.read_csv(tmp_path / "PAYMENTS.csv").FECHA
    assert (fecha.min(), fecha.max()) == ("2025-09-15", "2026-03-14")
    login = pd.read_csv(tmp_path / "ACTIVE_USER.csv").last_login_ml_date_1.dropna()
    assert (login.min() >= "2026-02-01", login.max()) == (True, "2026-02-28")
    recency = pd.read_csv(tmp_path / "MARKETPLACE_DATA.csv").RECENCY_ML
    assert (recency.min() >= "2025-09-01", recency.max()) == (True, "2026-03-01")
    assert pd.read_csv(tmp_path / "EVALUATE.csv").churn.mean() == pytest.approx(0.36, abs=0.04)


@pytest.mark.parametrize(
    ("until", "horizon_end"),
    [
        (date(2019, 7, 1), date(2019, 9, 1)),
        (date(2026, 12, 31), date(2027, 2, 28)),
        (date(2026, 3, 15), date(2026, 5, 15)),
    ],
)
def test_the_flag_speaks_of_two_months(until: date, horizon_end: date) -> None:
    calendar = Calendar(until)
    assert calendar.horizon_end == (horizon_end - calendar.start).days


def test_the_committed_sample_is_whole_and_small() -> None:
    manifest = json.loads((ROOT / "sample_data" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["customers"] == 5_000
    assert set(manifest["files"]) == set(HEADERS)
    for name, digests in manifest["files"].items():
        assert digests == [digest(ROOT / name)]
    assert sum((ROOT / name).stat().st_size for name in manifest["files"]) < 8_000_000


def test_data_documentation_states_the_size_of_the_sample() -> None:
    manifest = json.loads((ROOT / "sample_data" / "manifest.json").read_text(encoding="utf-8"))
    section = (ROOT / "docs" / "data.md").read_text(encoding="utf-8").split("## Synthetic data", 1)[1]
    for name, rows in manifest["rows"].items():
        assert re.search(rf"`{re.escape(name)}`.*\b{rows:,}\b", section), name
