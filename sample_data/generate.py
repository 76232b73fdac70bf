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
from sample_data.behaviour import Ints, draw_traits, simulate
from sample_data.outputs import append, replacing
from sample_data.periods import CRYPTO_DAYS, PAYMENT_DAYS, Calendar

BLOCK = 4096  # customers who share a random stream; the output depends on it
MAX_CUSTOMERS = 20_000_000
MAX_DAYS = 1830  # five years
FIRST_ID, LAST_ID = 1_276, 448_374_921
ID_STEP = 274_177_339
assert gcd(ID_STEP, LAST_ID - FIRST_ID + 1) == 1

PAYMENTS, ACTIVE_USER, DEMOGRAFICOS = Path("PAYMENTS.csv"), Path("ACTIVE_USER.csv"), Path("DEMOGRAFICOS.csv")
DINERO_CUENTA, EVALUATE, MARKETPLACE = Path("DINERO_CUENTA.csv"), Path("EVALUATE.csv"), Path("MARKETPLACE_DATA.csv")
CRYPTO_FILE = Path("sample_data") / "crypto_transaction_history.csv"
FILES = (PAYMENTS, ACTIVE_USER, DEMOGRAFICOS, DINERO_CUENTA, EVALUATE, MARKETPLACE, CRYPTO_FILE)


@dataclass(frozen=True)
class Request:
    """What to generate: the same request gives the same files."""

    customers: int
    seed: int
    until: date
    days: int = PAYMENT_DAYS  # with payments


def generate(request: Request, out: Path, progress: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    """Write the six CSV files, the crypto history and their manifest into `out`; return the manifest.

    `progress` is told how many customers are done.

    Raises:
        OutputError: a file there was not written by this program. Then nothing is changed.
    """
    calendar = Calendar(request.until, request.days)
    rows = dict.fromkeys(map(str, FILES), 0)
    with replacing(out, FILES) as (work, manifest):
        manifest.update(customers=request.customers, seed=request.seed, until=request.until.isoformat(), rows=rows)
        if request.days != PAYMENT_DAYS:
            manifest["days"] = request.days

        def write(path: Path, table: pa.Table) -> None:
            append(work / path, table, free_text=path == DEMOGRAFICOS)
            rows[str(path)] += table.num_rows

        prices = crypto.draw_prices(np.random.default_rng(np.random.SeedSequence(request.seed, spawn_key=(2**31 - 1,))))
        for block, first in enumerate(range(0, request.customers, BLOCK)):
            ids = customer_ids(request, first, min(first + BLOCK, request.customers))
            behaviour_rng, payment_rng, visit_rng, profile_rng, crypto_rng = (
                np.random.default_rng(source) for source in np.random.SeedSequence([request.seed, block]).spawn(5)
            )
            traits = draw_traits(len(ids), behaviour_rng)
            behaviour = simulate(traits, calendar, behaviour_rng)
            bought = payments.draw_payments(ids, traits, behaviour, calendar, request.customers, payment_rng)
            _keep_by_day(work / "payments", *bought)
            _keep_by_day(work / "crypto", *crypto.draw_purchases(ids, traits, prices, crypto_rng))
            write(ACTIVE_USER, profiles.active_user_table(ids, traits, behaviour, calendar, visit_rng))
            write(DINERO_CUENTA, profiles.balances_table(ids, traits, behaviour, calendar, profile_rng))
            write(EVALUATE, profiles.evaluate_table(ids, behaviour, calendar))
            write(MARKETPLACE, profiles.marketplace_table(ids, traits, calendar, profile_rng))
            write(DEMOGRAFICOS, demographics.demographics_table(ids, traits, profile_rng))
            progress(first + len(ids))
        for day in range(request.days):
            records = _of_day(work / "payments", day, payments.RECORD)
            write(PAYMENTS, payments.to_table(np.datetime64(calendar.start) + day, records))
        dates = pa.array(crypto.date_texts(calendar))
        for day in range(CRYPTO_DAYS):
            write(CRYPTO_FILE, crypto.to_table(_of_day(work / "crypto", day, crypto.RECORD), dates))
    return manifest


def customer_ids(request: Request, first: int, end: int) -> Ints:
    """Ids of the customers number `first` … `end` - 1: all different, spread over the range, in no order."""
    span = LAST_ID - FIRST_ID + 1
    number = np.arange(first, end, dtype=np.int64)
    return FIRST_ID + (number * ID_STEP + request.seed * 7_919_993) % span


def _keep_by_day(folder: Path, days: Ints, records: np.ndarray) -> None:
    """Append `records[i]` to the file of the day `days[i]`, so that a large table is never completely in memory."""
    folder.mkdir(exist_ok=True)
    order = np.argsort(days, kind="stable")
    present, starts = np.unique(days[order], return_index=True)
    for day, of_day in zip(present, np.split(records[order], starts[1:]), strict=False):  # no day: one empty part
        with (folder / str(day)).open("ab") as file:
            of_day.tofile(file)


def _of_day(folder: Path, day: int, dtype: np.dtype) -> np.ndarray:
    """All records of a day, in order of arrival."""
    path = folder / str(day)
    return np.fromfile(path, dtype) if path.exists() else np.empty(0, dtype)
