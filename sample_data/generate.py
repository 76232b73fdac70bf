"""Generates all files block by block: memory holds one block of customers and one day of payments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sample_data import crypto, demographics, payments, profiles
from sample_data.behaviour import Floats, Ints, draw_traits, simulate
from sample_data.outputs import HashedFile, replacing
from sample_data.periods import CRYPTO_DAYS, PAYMENT_DAYS, Calendar
from sample_data.spill import DaySpill

BLOCK = 4096  # customers who share a random stream; the output depends on it
MAX_CUSTOMERS = 20_000_000
FIRST_ID, LAST_ID = 1_276, 448_374_921
ID_STEP = 274_177_339
assert gcd(ID_STEP, LAST_ID - FIRST_ID + 1) == 1

CRYPTO_FILE = Path("sample_data") / "crypto_transaction_history.csv"
HEADERS = {
    Path("PAYMENTS.csv"): tuple(payments.SCHEMA.names),
    Path("ACTIVE_USER.csv"): (
        "CUS_CUST_ID_BUY", "MAU_MP_3", "MAU_ML_3", "MAU_MP_2", "MAU_ML_2", "MAU_MP_1", "MAU_ML_1",
        "last_login_mp_date_1", "last_login_ml_date_1",
    ),
    Path("DEMOGRAFICOS.csv"): demographics.HEADER,
    Path("DINERO_CUENTA.csv"): ("CUS_CUST_ID_BUY", "PLATA_CUENTA_1", "PLATA_CUENTA_2", "INVERSION"),
    Path("EVALUATE.csv"): ("CUS_CUST_ID_BUY", "churn"),
    Path("MARKETPLACE_DATA.csv"): ("CUS_CUST_ID_BUY", "SPENT_ML", "RECENCY_ML", "FREQUENCY_ML"),
    CRYPTO_FILE: crypto.HEADER,
}  # fmt: skip
FILES = tuple(HEADERS)


@dataclass(frozen=True)
class Request:
    """What to generate: the same request gives the same files."""

    customers: int
    seed: int
    until: date


def generate(request: Request, out: Path, progress: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Write the six CSV files, the crypto history and their manifest into `out`; return the manifest.

    `progress` is told how many customers are done.

    Raises:
        OutputError: a file there was not written by this program. Then nothing is changed.
    """
    calendar = Calendar(request.until)
    with replacing(out, FILES) as (work, manifest):
        manifest["customers"], manifest["seed"] = request.customers, request.seed
        manifest["until"] = request.until.isoformat()
        files = {path: HashedFile(work / path, header) for path, header in HEADERS.items()}
        bought = DaySpill(work / "payments", payments.RECORD)
        coins = DaySpill(work / "crypto", crypto.RECORD)
        prices = crypto.draw_prices(np.random.default_rng(np.random.SeedSequence(request.seed, spawn_key=(2**31 - 1,))))
        for block, first in enumerate(range(0, request.customers, BLOCK)):
            ids = customer_ids(request, first, min(first + BLOCK, request.customers))
            _write_block(request, calendar, block, ids, prices, files, bought, coins)
            progress(first + len(ids))
        for day in range(PAYMENT_DAYS):
            table = payments.to_table(calendar.epoch_day(day), bought.read(day))
            files[Path("PAYMENTS.csv")].write_table(table)
        dates = pa.array(crypto.date_texts(calendar))
        for day in range(CRYPTO_DAYS):
            files[CRYPTO_FILE].write_table(crypto.to_table(coins.read(day), dates))
        manifest["rows"] = {str(path): file.rows for path, file in files.items()}
        manifest["files"] = {str(path): file.close() for path, file in files.items()}
    return manifest


def customer_ids(request: Request, first: int, end: int) -> Ints:
    """Ids of the customers number `first` … `end` - 1: all different, spread over the range, in no order."""
    span = LAST_ID - FIRST_ID + 1
    number = np.arange(first, end, dtype=np.int64)
    return FIRST_ID + (number * ID_STEP + request.seed * 7_919_993) % span


def _write_block(
    request: Request,
    calendar: Calendar,
    block: int,
    ids: Ints,
    prices: Floats,
    files: dict[Path, HashedFile],
    bought: DaySpill,
    coins: DaySpill,
) -> None:
    behaviour_rng, payment_rng, visit_rng, profile_rng, crypto_rng = (
        np.random.default_rng(source) for source in np.random.SeedSequence([request.seed, block]).spawn(5)
    )
    traits = draw_traits(len(ids), behaviour_rng)
    behaviour = simulate(traits, calendar, behaviour_rng)

    counts = behaviour.payments[:, :PAYMENT_DAYS]
    owner, day = np.nonzero(counts)
    repeats = counts[owner, day]
    owner, day = np.repeat(owner, repeats), np.repeat(day, repeats)
    preferences = payments.segment_preferences(traits, payment_rng)
    sellers = payments.Sellers.for_customers(request.customers)
    bought.add(day, payments.draw_payments(owner, ids, traits, preferences, sellers, payment_rng))

    visits = profiles.draw_visits(traits, behaviour, calendar, visit_rng)
    tables = {
        "ACTIVE_USER.csv": profiles.active_user_table(ids, visits, calendar),
        "DINERO_CUENTA.csv": profiles.balances_table(ids, traits, behaviour, calendar, profile_rng),
        "EVALUATE.csv": profiles.evaluate_table(ids, behaviour, PAYMENT_DAYS, calendar.horizon_end),
        "MARKETPLACE_DATA.csv": profiles.marketplace_table(ids, traits, calendar, profile_rng),
    }
    for name, table in tables.items():
        files[Path(name)].write_table(table)
    files[Path("DEMOGRAFICOS.csv")].write_rows(demographics.demographics_rows(ids, traits, profile_rng))
    coins.add(*crypto.draw_purchases(ids, traits, prices, crypto_rng))
