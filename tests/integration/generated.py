"""Customers of the generator in a database of their own, and what they do after the last day of the files."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from sample_data.behaviour import draw_traits, simulate
from sample_data.generate import BLOCK, Request, customer_ids, generate
from sample_data.periods import Calendar
from tests.integration.conftest import INIT_ENV, ROOT, Database

CHURN_DAYS = 60


def load(database: Database, request: Request, folder: Path) -> None:
    """Generate the files of the request into `folder`, and load them as the administrator does."""
    generate(request, folder)
    env = {**os.environ, **database.cluster.client_env, **INIT_ENV, "PGDATABASE": database.name}
    done = subprocess.run(
        [sys.executable, "-m", "ml.load", "--csv-dir", str(folder)], env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def stays_away(request: Request, snapshot_dates: list[date]) -> pd.DataFrame:
    """Whether each customer makes no payment in the 60 days from each date: the truth, which no file contains.

    One row a customer id, one column a snapshot date. The process is simulated again, as `generate` does.
    """
    calendar = Calendar(request.until, request.days)
    ids, payments = [], []
    for block, first in enumerate(range(0, request.customers, BLOCK)):
        ids.append(customer_ids(request, first, min(first + BLOCK, request.customers)))
        behaviour_rng = np.random.default_rng(np.random.SeedSequence([request.seed, block]).spawn(5)[0])
        payments.append(simulate(draw_traits(len(ids[-1]), behaviour_rng), calendar, behaviour_rng).payments)
    by_day = np.concatenate(payments)
    first_days = {t: (t - calendar.start).days for t in snapshot_dates}
    return pd.DataFrame(
        {t: by_day[:, day : day + CHURN_DAYS].sum(axis=1) == 0 for t, day in first_days.items()},
        index=np.concatenate(ids),
    )
