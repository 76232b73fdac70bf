"""The model beside one by hand: `python -m bench.model --csv-dir DIR [--csv-dir DIR …]`.

DIR holds the six CSV files, e.g. of `make data CUSTOMERS=20000 SEED=1 OUT=DIR`. By hand: every feature with a value,
scaled, and every text one-hot encoded, C = 1; then the same without gender, age group and province. All are fitted on
the same rows. A difference is the project's figure minus the other one, with the interval that holds 95 % of the draws
of customers: better is a higher ROC AUC and a lower log loss.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from bench.stack import ROOT, libpq, owner, stack, timed
from ml.model_config import CATEGORICAL_FEATURES
from ml.snapshots.catalogue import FEATURES, model_features
from ml.training.explanation import inputs, variance_inflation
from ml.training.holdout import fold, is_heldout
from ml.training.metrics import bootstrap
from ml.training.pipeline import fit

APRIL = [date(2019, 4, day) for day in (7, 14, 21, 28)]
JUNE = date(2019, 6, 30)
# Snapshots to train on and to measure on, and whether on held-out customers alone. The others have rows in April that
# hardly change in a week, so a model with many coefficients gains by remembering whom it was trained on.
SPLITS = {
    "in time, held out": ([*APRIL, JUNE], [*APRIL, JUNE], True),
    "April -> June 30": (APRIL, [JUNE], False),
    "April 7-21 -> 28": (APRIL[:3], APRIL[3:], False),
    "the same, held out": (APRIL[:3], APRIL[3:], True),
}
PLAIN = ("spent_trend_90d", "payments_trend_90d", "tenure_days", "active_days_30d", "active_weeks_90d", "segments_90d")
PERSON = tuple(feature.name for feature in FEATURES if feature.group == "person")
USABLE = """
select * from features.churn_weekly_features
where days_since_activity < 60 and labeled_churn is not null and label_horizon_days between 60 and 67
order by snapshot_date, customer_id
"""


def usable_rows(csv_dir: Path) -> pd.DataFrame:
    """The rows with a usable label of the five snapshots, built from the files."""
    with stack(0, []) as env:
        as_owner = {**os.environ, **env, **libpq(env), "CSV_DIR": str(csv_dir.resolve())}
        load = [sys.executable, "-m", "ml.load"]
        subprocess.run(load, env=as_owner, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        for day in [*APRIL, JUNE]:
            timed(env, "ml.features:build", str(day))
        with owner(env) as conn:
            found = conn.execute(USABLE)
            rows = pd.DataFrame(found.fetchall(), columns=[column.name for column in found.description or ()])
    numbers = [feature.name for feature in FEATURES if feature.name not in CATEGORICAL_FEATURES]
    return rows.astype(dict.fromkeys(numbers, float) | {"customer_id": "int64", "labeled_churn": "int8"})


def by_hand(features: Sequence[str]) -> Pipeline:
    """Every feature as it stands: logarithm, scale, one-hot, logistic regression."""
    logarithm = FunctionTransformer(np.arcsinh)
    texts = make_pipeline(
        SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="(missing)"),
        OneHotEncoder(min_frequency=0.002, handle_unknown="infrequent_if_exist", sparse_output=False),
    )
    plain = [name for name in features if name in PLAIN or name.startswith(("mau_", "days_since_login", "has_"))]
    heavy = [name for name in features if name not in (*plain, *CATEGORICAL_FEATURES)]
    steps = [
        ("heavy", make_pipeline(SimpleImputer(strategy="median"), logarithm, StandardScaler()), heavy),
        ("plain", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), plain),
        ("texts", texts, [name for name in features if name in CATEGORICAL_FEATURES]),
    ]
    return make_pipeline(ColumnTransformer(steps), LogisticRegression(C=1.0, solver="newton-cholesky"))


def compare(rows: pd.DataFrame, train: NDArray[np.bool_], test: NDArray[np.bool_], split: str) -> None:
    """Print the differences of one split, and what the project's classifier sees."""
    fitted_on, measured = rows[train], rows[test]
    known = fitted_on.groupby("snapshot_date").count().gt(0).all()
    every = [feature.name for feature in FEATURES if known[feature.name]]
    features = [name for name in model_features(demographics=False) if known[name]]
    churned, happened = (part["labeled_churn"].to_numpy() for part in (fitted_on, measured))
    ours = fit(fitted_on[features], churned, fold(fitted_on["customer_id"].to_numpy()))
    score = ours.pipeline.predict_proba(measured[list(ours.features)])[:, 1]
    for label, used in (
        (f"by hand, {len(every)} features", every),
        ("the same, no person", [name for name in every if name not in PERSON]),
    ):
        other = by_hand(used).fit(fitted_on[used], churned).predict_proba(measured[used])[:, 1]
        figures = bootstrap(
            lambda weights, other=other: {
                "AUC": roc_auc_score(happened, score, sample_weight=weights)
                - roc_auc_score(happened, other, sample_weight=weights),
                "log loss": log_loss(happened, score, sample_weight=weights)
                - log_loss(happened, other, sample_weight=weights),
            },
            happened,
            measured["customer_id"].to_numpy(),
        )
        differences = "   ".join(f"{n} {f.value:+.4f} ({f.low:+.4f} to {f.high:+.4f})" for n, f in figures.items())
        print(f"{split:18} against {label:22} {differences}")
    inflation = variance_inflation(ours.pipeline[:-1].transform(fitted_on[list(ours.features)]))
    print(f"{'':18} ROC AUC {roc_auc_score(happened, score):.4f}, log loss {log_loss(happened, score):.4f},", end=" ")
    print(f"mean score {score.mean():.4f}, churned {happened.mean():.4f}, C {ours.pipeline[-1].C:g}")
    columns = zip(inputs(ours.pipeline), ours.pipeline[-1].coef_[0], inflation, strict=True)
    print(f"{'':18} coefficient (variance inflation):", end=" ")
    print(", ".join(f"{column.name} {coefficient:+.3f} ({by:.1f})" for column, coefficient, by in columns))
    if ours.left_out:
        print(f"{'':18} left out: {ours.left_out}")


def main() -> None:
    """Compare on the rows of each folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv-dir", type=Path, action="append", required=True)
    for csv_dir in parser.parse_args().csv_dir:
        rows = usable_rows(csv_dir)
        heldout = is_heldout(rows["customer_id"].to_numpy())
        print(f"{csv_dir}: {len(rows)} rows")
        for split, (train_on, measure_on, only_heldout) in SPLITS.items():
            train, test = (rows["snapshot_date"].isin(days).to_numpy() for days in (train_on, measure_on))
            compare(rows, train & ~heldout, test & (heldout | (not only_heldout)), split)


if __name__ == "__main__":
    main()
