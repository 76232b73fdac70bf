"""A year as a scheduler would run it: files arrive, snapshots are built and scored, models trained and promoted."""

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient

from ml.features import build
from ml.infer_batch import score
from ml.monitor import monitor
from ml.promote import promote
from ml.train import train
from sample_data.generate import Request, generate
from tests.integration.churn_rows import call, production
from tests.integration.conftest import INIT_ENV, ROOT, Database

SEED = int(os.environ.get("YEAR_SEED") or 1)
REQUEST = Request(customers=10_000, seed=SEED, until=date(2019, 7, 1), days=548)
SUNDAYS = [date(2018, 7, 8) + timedelta(weeks=week) for week in range(52)]
SHIFT = date(2018, 12, 1)  # from here on, of those who pay, LEAVING a week stop for good
LEAVING = 0.0125
LOOKBACK_WEEKS = 8


def shifted(payments: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Payments (FECHA as YYYY-MM-DD) without those of customers who have left: from SHIFT on, anyone may any day."""
    dates = pd.to_datetime(payments["FECHA"])
    first = dates.groupby(payments["CUS_CUST_ID_BUY"]).min().clip(lower=pd.Timestamp(SHIFT))
    days = np.random.default_rng(seed).exponential(7 / LEAVING, len(first))
    leaves = first + pd.to_timedelta(1 + days, unit="D")
    return payments[dates < payments["CUS_CUST_ID_BUY"].map(leaves)]


def churn_flags(payments: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    """EVALUATE.csv about the two months from `cutoff`: 1 for customers from before who made no payment in them."""
    before, until = payments["FECHA"] < f"{cutoff:%F}", payments["FECHA"] < f"{cutoff + pd.DateOffset(months=2):%F}"
    customers = payments.loc[before, "CUS_CUST_ID_BUY"].drop_duplicates()
    paid = customers.isin(payments.loc[until & ~before, "CUS_CUST_ID_BUY"])
    return pd.DataFrame({"CUS_CUST_ID_BUY": customers, "churn": (~paid).astype(float)})


def run_year(
    database: Database, mlflow: MlflowClient, folder: Path, request: Request = REQUEST
) -> list[dict[str, Any]]:
    """Run every pipeline of each Sunday, with the files that were there on it; return what each came to."""
    generate(request, folder)
    payments = shifted(pd.read_csv(folder / "PAYMENTS.csv", dtype=str, keep_default_na=False), request.seed)
    weeks: list[dict[str, Any]] = []
    for sunday in SUNDAYS:
        is_new_month = not weeks or sunday.month != weeks[-1]["sunday"].month
        known = payments[payments["FECHA"] < str(sunday)]
        known.to_csv(folder / "PAYMENTS.csv", index=False)
        cutoff = pd.Timestamp(sunday).replace(day=1) - pd.DateOffset(months=2)  # the two months that are over
        if is_new_month:
            churn_flags(known, cutoff).to_csv(folder / "EVALUATE.csv", index=False)
        _load(database, folder, cutoff)
        week: dict[str, Any] = {"sunday": sunday, "built": call(database, build, sunday)}
        if is_new_month:
            week["monthly"] = _train(database, sunday)
        week["scored"] = call(database, score, sunday)
        week["monitored"] = call(database, monitor, sunday)
        if week["monitored"]["lasting_alerts"]:  # what churn_monitor_w asks Airflow for
            week["asked"] = _train(database, sunday)
        week["production"] = production(mlflow)
        weeks.append(week)
    return weeks


def _load(database: Database, folder: Path, cutoff: pd.Timestamp) -> None:
    """Load the files that have changed, as the administrator does."""
    env = {**os.environ, **database.cluster.client_env, **INIT_ENV, "PGDATABASE": database.name}
    env["EVALUATE_CUTOFF"] = f"{cutoff:%F}"
    command = [sys.executable, "-m", "ml.load", "--csv-dir", str(folder)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _train(database: Database, sunday: date) -> dict[str, Any]:
    trained = call(database, train, sunday, LOOKBACK_WEEKS, sunday)
    return {**trained, "promoted": call(database, promote, trained["model_version"])}
