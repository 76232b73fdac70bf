"""Walk through history: train on what was known on each closed Sunday, and measure on that Sunday."""

import argparse
from collections.abc import Sequence
from datetime import date
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import psycopg
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ml import cli
from ml.features import snapshots_for_training
from ml.model_config import MODEL_NAME
from ml.snapshots.coverage import covered_range
from ml.store import metric_rows, registry
from ml.train import choose_rows, lookback, measured_rows
from ml.training.checks import check_training
from ml.training.dataset import features_with_values
from ml.training.holdout import is_heldout
from ml.training.metrics import Figure, measure
from ml.training.pipeline import fit_rows
from ml.training.plots import backtest_plot
from ml.utils_io import connect

EXPERIMENT = f"{MODEL_NAME} backtest"
MAX_SUNDAYS = 104
BASELINES = {  # what a model must beat: logistic regressions of these features alone
    "recency": ["days_since_activity"],
    "recency_frequency": ["days_since_activity", "payments_90d"],
}
SHOWN = ("roc_auc", "log_loss", "brier", "calibration")


def backtest(until: date | None = None, lookback_weeks: int = 8) -> dict[str, Any]:
    """Measure a model of each closed Sunday up to `until` (none: the last); return the table by Sunday.

    The table, a plot and every figure go to MLflow, the figures with intervals to `ops.model_metrics` as well.

    Raises:
        CommandError: no Sunday can be measured; the message says why for each.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    with registry.session(), connect(application_name="ml.backtest") as conn:
        conn.autocommit = True  # other connections build snapshots while this one is open
        _, last = covered_range(conn)
        sundays, passed_over = snapshots_for_training(conn, min(until or last, last), MAX_SUNDAYS)
        measured = []
        for sunday in sundays:
            try:
                measured.append(_measure(conn, sunday, lookback_weeks))
            except cli.CommandError as error:
                passed_over[sunday] = str(error)
        if not measured:
            reasons = "; ".join(f"{day}: {reason}" for day, reason in sorted(passed_over.items()))
            raise cli.CommandError(f"no Sunday can be measured: {reasons}")
        table = pd.DataFrame(measured)
        mlflow.set_experiment(EXPERIMENT)
        with mlflow.start_run(run_name=f"{sundays[0]} to {sundays[-1]}") as run:
            mlflow.log_params({"lookback_weeks": lookback_weeks, "sundays": len(table)})
            mlflow.log_metrics({f"mean_{name}": float(table[name].mean()) for name in SHOWN})
            mlflow.log_text(table.to_csv(index=False), "backtest.csv")
            mlflow.log_text(markdown(table), "backtest.md")
            mlflow.log_figure(backtest_plot(table), "backtest.png")
    return {
        "run_id": run.info.run_id,
        "sundays": table.to_dict("records"),
        "passed_over": {str(day): reason for day, reason in passed_over.items()},
    }


def markdown(table: pd.DataFrame) -> str:
    """The table of a backtest as it stands in the README."""
    lines = [
        "| Sunday | trained on | customers | ROC AUC | recency alone | and frequency | log loss | calibration |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.sunday} | {row.training} | {row.customers:,} | {row.roc_auc:.3f} ({row.roc_auc_low:.3f} to"
        f" {row.roc_auc_high:.3f}) | {row.recency_roc_auc:.3f} | {row.recency_frequency_roc_auc:.3f} |"
        f" {row.log_loss:.3f} | {row.calibration:+.3f} |"
        for row in table.itertuples()
    ]
    return "\n".join(lines) + "\n"


def _measure(conn: psycopg.Connection, sunday: date, lookback_weeks: int) -> dict[str, Any]:
    """Train on what was known on `sunday`, and the baselines too; measure on its customers with the labels of now."""
    chosen = choose_rows(conn, sunday, lookback_weeks, as_of=sunday)
    heldout = is_heldout(chosen.rows["customer_id"].to_numpy())
    fitted_on = chosen.rows[~heldout]
    features, _ = features_with_values(chosen.rows)
    check_training(fitted_on, chosen.rows[heldout], sunday, features)
    churned = fitted_on["labeled_churn"].to_numpy()
    fitted = fit_rows(fitted_on, features)
    rows = measured_rows(conn, [sunday])
    models: dict[str, tuple[Pipeline, Sequence[str]]] = {"model": (fitted.pipeline, fitted.features)}
    for name, columns in BASELINES.items():
        baseline = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())
        models[name] = baseline.fit(fitted_on[columns], churned), columns
    happened, customers = rows["labeled_churn"].to_numpy(), rows["customer_id"].to_numpy()
    figures = {
        name: measure(happened, model.predict_proba(rows[list(columns)])[:, 1], customers)
        for name, (model, columns) in models.items()
    }
    if not figures["model"]:
        raise cli.CommandError(f"too few churners or stayers among {len(rows)} customers")
    named = {_named(model, name): figure for model, found in figures.items() for name, figure in found.items()}
    metric_rows.write(conn, "backtest", None, [sunday], "all", named, len(rows), int(happened.sum()))
    return {
        "sunday": str(sunday),
        "training": f"{chosen.snapshots[0]} to {chosen.snapshots[-1]}",
        "customers": len(rows),
        "churn": float(happened.mean()),
        **_flat(named),
    }


def _named(model: str, metric: str) -> str:
    return metric if model == "model" else f"{model}_{metric}"


def _flat(figures: dict[str, Figure]) -> dict[str, float]:
    values = {name: figure.value for name, figure in figures.items()}
    values |= {f"{name}_low": figure.low for name, figure in figures.items()}
    return values | {f"{name}_high": figure.high for name, figure in figures.items()}


def main() -> None:
    """Command line: `python -m ml.backtest [--until 2019-06-30] [--lookback-weeks 8]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until", type=cli.iso_date, help="last Sunday to measure (default: the last covered)")
    parser.add_argument("--lookback-weeks", type=lookback, default=8, help="closed Sundays to train on (default 8)")
    arguments = parser.parse_args()
    cli.run(lambda: backtest(arguments.until, arguments.lookback_weeks))


if __name__ == "__main__":
    main()
