"""A year as a scheduler would run it: files arrive, snapshots are built and scored, models trained and promoted."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.features import build
from ml.infer_batch import score
from ml.monitor import monitor
from ml.promote import promote
from ml.train import train
from sample_data.generate import Request, generate
from tests.integration.churn_rows import call
from tests.integration.conftest import INIT_ENV, ROOT, Database

WEEK = timedelta(weeks=1)
LOOKBACK_WEEKS = 8
OTHERS = ("raw.active_user", "raw.demograficos", "raw.dinero_cuenta", "raw.marketplace_data")
LOST = 0.35  # of the payments from the day of the shift on


def payments_with_shift(path: Path, shift: date) -> pd.DataFrame:
    """The rows of PAYMENTS.csv as text; from `shift` on, LOST of the payments are missing."""
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    after = rows["FECHA"] >= str(shift)
    lost = after & (np.random.default_rng(1).random(len(rows)) < LOST)
    return rows[~lost]


def load(database: Database, folder: Path, *tables: str) -> None:
    """Load the files of `tables` as the administrator does."""
    env = {**os.environ, **database.cluster.client_env, **INIT_ENV, "PGDATABASE": database.name}
    chosen = [argument for table in tables for argument in ("--table", table)]
    command = [sys.executable, "-m", "ml.load", "--csv-dir", str(folder), *chosen]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def evaluate_of(payments: pd.DataFrame, cutoff: date, until: date) -> pd.DataFrame | None:
    """EVALUATE.csv as delivered on `cutoff`, about its two months; None if the history ends before they do."""
    end = (pd.Timestamp(cutoff) + pd.DateOffset(months=2)).date()
    if end > until:
        return None
    before = payments["FECHA"] < str(cutoff)
    pays = payments.loc[~before & (payments["FECHA"] < str(end)), "CUS_CUST_ID_BUY"]
    customers = pd.Series(payments.loc[before, "CUS_CUST_ID_BUY"].unique())
    return pd.DataFrame({"CUS_CUST_ID_BUY": customers, "churn": (~customers.isin(pays)).astype(float)})


def run_year(database: Database, request: Request, folder: Path, sundays: list[date], shift: date) -> list[dict[str, Any]]:
    """Run every pipeline of each Sunday, with the payments that were known on it; return what each came to."""
    generate(request, folder)
    payments = payments_with_shift(folder / "PAYMENTS.csv", shift)
    weeks: list[dict[str, Any]] = []
    month = 0
    for sunday in sundays:
        payments[payments["FECHA"] < str(sunday)].to_csv(folder / "PAYMENTS.csv", index=False)
        first, is_new_month = not weeks, sunday.month != month
        month = sunday.month
        delivered = ["raw.payments", *(OTHERS if first else ())]
        if is_new_month and (flags := evaluate_of(payments, sunday, request.until)) is not None:
            flags.to_csv(folder / "EVALUATE.csv", index=False)
            delivered.append("raw.evaluate")
        load(database, folder, *delivered)
        week: dict[str, Any] = {"sunday": sunday, "built": call(database, build, sunday)}
        if is_new_month:
            week["trained"], week["promoted"] = _train(database, sunday)
        week["scored"] = call(database, score, sunday)
        week["monitored"] = call(database, monitor, sunday)
        if week["monitored"]["lasting_alerts"]:  # what churn_monitor_w asks Airflow for
            week["asked"] = _train(database, sunday)
        weeks.append(week)
    return weeks


def _train(database: Database, sunday: date) -> tuple[dict[str, Any], dict[str, Any]]:
    trained = call(database, train, sunday, LOOKBACK_WEEKS, sunday)
    return trained, call(database, promote, trained["model_version"])
