"""Checks of what a training was given, before anything is fitted: some stop it, some are warnings on its record."""

from datetime import date

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from ml.cli import CommandError
from ml.model_config import MIN_TRAINING_EVENTS

SEPARATING_AUC = 0.95  # what customers do next cannot be told so well from one feature
GROUPS = 50  # of values of a feature
CHECKED_ROWS = 200_000
FEW_OF_A_CLASS = 0.02  # share of the rows
POLARITY_FEATURE = "payments_30d"


def check_training(
    fitted_on: pd.DataFrame, heldout: pd.DataFrame, snapshot_date: date, features: tuple[str, ...]
) -> list[str]:
    """Check the rows to fit on and the held-out rows of a training at `snapshot_date`; return the warnings.

    Raises:
        CommandError: a model of these rows would be wrong or worthless; the message says why and what to do.
    """
    _require_classes(fitted_on)
    _require_past(fitted_on, snapshot_date)
    _require_split(fitted_on, heldout)
    checked = fitted_on if len(fitted_on) <= CHECKED_ROWS else fitted_on.sample(CHECKED_ROWS, random_state=0)
    _require_honest_features(checked, features)
    _require_polarity(checked)
    return _few_of_a_class(fitted_on)


def separation(values: pd.Series, churned: pd.Series) -> float:
    """ROC AUC of the churn rate in up to GROUPS groups of equal or neighbouring values; missing ones are a group."""
    is_number = pd.api.types.is_numeric_dtype(values)
    groups = pd.qcut(values, GROUPS, duplicates="drop") if is_number and values.nunique() > GROUPS else values
    codes = pd.factorize(groups)[0]  # -1: missing
    rates = churned.groupby(codes).transform("mean")
    return float(roc_auc_score(churned, rates))


def _require_classes(rows: pd.DataFrame) -> None:
    churners = int(rows["labeled_churn"].sum())
    stayers = len(rows) - churners
    found = f"{churners} churners and {stayers} stayers among the labelled rows of {len(rows)} to train on"
    if min(churners, stayers) == 0:
        raise CommandError(f"one class only: {found}; check EVALUATE.csv and EVALUATE_CHURN_MEANS")
    if min(churners, stayers) < MIN_TRAINING_EVENTS:
        raise CommandError(f"too few rows: {found}; {MIN_TRAINING_EVENTS} of each are needed: add weeks or customers")


def _require_past(rows: pd.DataFrame, snapshot_date: date) -> None:
    newest = rows["snapshot_date"].max().date()
    if newest > snapshot_date:
        raise CommandError(f"rows of the snapshot {newest} lie after the date of the training, {snapshot_date}")


def _require_split(fitted_on: pd.DataFrame, heldout: pd.DataFrame) -> None:
    both = np.intersect1d(fitted_on["customer_id"], heldout["customer_id"])
    if len(both):
        raise CommandError(f"{len(both)} customers are both trained on and held out, the first is {both[0]}")


def _require_honest_features(rows: pd.DataFrame, features: tuple[str, ...]) -> None:
    """Raise if one feature nearly tells the labels, in all rows or in those of one snapshot."""
    parts = {"all snapshots": rows}
    parts |= {f"the snapshot {day:%Y-%m-%d}": part for day, part in rows.groupby("snapshot_date")}
    for where, part in parts.items():
        churned = part["labeled_churn"]
        if min(churned.sum(), (1 - churned).sum()) < MIN_TRAINING_EVENTS:
            continue
        for name in features:
            found = separation(part[name], churned)
            if found > SEPARATING_AUC:
                is_missing = separation(part[name].isna(), churned) > SEPARATING_AUC
                told_by = f"whether {name} is known" if is_missing else name
                raise CommandError(
                    f"the labels of {where} follow from {told_by} alone (ROC AUC {found:.3f}, above {SEPARATING_AUC}):"
                    " it contains what came after its snapshot, or the labels were made from it;"
                    " check EVALUATE_CUTOFF, EVALUATE_CHURN_MEANS and the feature's SQL"
                )


def _require_polarity(rows: pd.DataFrame) -> None:
    """Raise if those who pay more churn more, by label source: then labels are turned over."""
    for source, part in rows.groupby("label_source", observed=True):
        churners = int(part["labeled_churn"].sum())
        stayers = len(part) - churners
        if POLARITY_FEATURE not in part or min(churners, stayers) < MIN_TRAINING_EVENTS:
            continue
        found = roc_auc_score(part["labeled_churn"], part[POLARITY_FEATURE])
        error = np.sqrt((churners + stayers + 1) / (12 * churners * stayers))  # of the rank sum without a relation
        if found > 0.5 + 3.29 * error:
            raise CommandError(
                f"customers who churn by the labels of source {source} paid more often before ({POLARITY_FEATURE}: ROC"
                f" AUC {found:.3f}, expected below 0.5): the labels seem to be turned over; check EVALUATE_CHURN_MEANS"
            )


def _few_of_a_class(rows: pd.DataFrame) -> list[str]:
    share = float(rows["labeled_churn"].mean())
    if FEW_OF_A_CLASS <= share <= 1 - FEW_OF_A_CLASS:
        return []
    return [
        f"{share:.2%} of the rows to train on are churners: the rows are one-sided, and probabilities are uncertain"
    ]
