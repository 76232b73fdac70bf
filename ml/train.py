"""Train `churn-logreg` on weekly snapshots and register it in MLflow, or return the existing version."""

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import sklearn
from mlflow.tracking import MlflowClient

from ml import cli
from ml.features import build_missing, built_closed_sundays, snapshots_for_training
from ml.model_config import MAX_HELDOUT_ROWS, MAX_TRAINING_ROWS, MODEL_NAME
from ml.settings import settings
from ml.snapshots import catalogue
from ml.snapshots.coverage import require_covered
from ml.store import metric_rows, registry
from ml.training.checks import check_training
from ml.training.dataset import (
    features_with_values,
    labels_known_through,
    load,
    model_features,
    training_digest,
    with_usable_label,
)
from ml.training.description import describe
from ml.training.holdout import bucket_range, is_heldout, measured_buckets
from ml.training.pipeline import best_f1_threshold, fit_rows
from ml.training.profile import Training, evaluation_tags, version_tags
from ml.training.reproduction import compare_with
from ml.training.run_record import FIGURES, record
from ml.utils_io import SQL_DIR, connect, one_at_a_time

MAX_LOOKBACK_WEEKS = 52
LATER_WEEKS = 8  # measured out of time
# Modules and SQL that determine a version: its rows, its fit, and the tags that consumers read. A change in one makes
# another version from the same data; one in what only describes a version, its figures and its card, does not.
DECIDING_CODE = (
    "model_config", "train", "store/feature_rows", "training/dataset", "training/holdout", "training/pipeline",
    "training/profile",
)  # fmt: skip
DECIDING_SQL = ("select_labelled_rows",)
ACTIVE_ROWS = """
select coalesce(sum(rows_built - rows_inactive_60d), 0)::bigint
from ops.current_feature_builds where snapshot_date = any(%s)
"""


@dataclass(frozen=True)
class Chosen:
    """The rows of a training: its snapshots, why other Sundays were passed over, and the range of customers.

    `left_out_by_campaigns`: how many are left out because a campaign contacted the customer, or by its draw.
    """

    snapshots: list[date]
    left_out: dict[date, str]
    buckets: tuple[int, int]
    left_out_by_campaigns: int
    rows: pd.DataFrame


def train(snapshot_date: date, lookback_weeks: int, as_of: date | None = None) -> dict[str, Any]:
    """Train on the newest `lookback_weeks` closed Sundays up to `snapshot_date`, and register; return a summary.

    `as_of`: use only labels that were known on that date; None: all that are known now, which makes a replay of history
    retrospective.

    Raises:
        CommandError: outside the covered range, or the data do not suffice for a model; the message says why.
        Skip: outside the covered range in a scheduled run.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    with registry.session() as client:
        with connect(application_name=f"ml.train {snapshot_date}") as conn:
            conn.autocommit = True  # other connections build snapshots while this one is open
            require_covered(conn, snapshot_date)
            chosen = choose_rows(conn, snapshot_date, lookback_weeks, as_of)
            later = closed_later(conn, chosen.snapshots[-1])
        features, left_out_features = features_with_values(chosen.rows)
        data, code = training_digest(chosen.rows), code_digest()
        fingerprint = hashlib.sha256(f"{data} {code} {chosen.buckets}".encode()).hexdigest()
        training = Training(
            snapshot_date=snapshot_date,
            lookback_weeks=lookback_weeks,
            training_snapshots=chosen.snapshots,
            left_out_snapshots={str(day): reason for day, reason in chosen.left_out.items()},
            features=features,
            left_out_features=left_out_features,
            buckets=chosen.buckets,
            left_out_by_campaigns=chosen.left_out_by_campaigns,
            as_of=as_of,
            labels_known_through=labels_known_through(chosen.rows),
            data_digest=data,
            code_digest=code,
            git_commit=settings().git_commit,
            training_fingerprint=fingerprint,
        )
        with one_at_a_time(f"ml.train {fingerprint}"):  # two runs at once would register it twice
            existing = registry.find_by_fingerprint(client, fingerprint)
            version = existing or _fit_and_register(client, training, chosen.rows, later)
            with connect(application_name=f"ml.train {snapshot_date}") as conn:  # what a killed run has left out, too
                metric_rows.complete(conn, version.version, registry.load_json(version, FIGURES)["rows"])
        return _summary(version, training, created=existing is None)


def choose_rows(conn: psycopg.Connection, snapshot_date: date, lookback_weeks: int, as_of: date | None) -> Chosen:
    """The rows of the newest `lookback_weeks` closed Sundays up to `snapshot_date`, with what was known on `as_of`.

    Raises:
        CommandError: no Sunday is closed; the message says why for each.
    """
    snapshots, left_out = snapshots_for_training(conn, snapshot_date, lookback_weeks, as_of)
    if not snapshots:
        reasons = "; ".join(f"{day}: {reason}" for day, reason in sorted(left_out.items()))
        raise cli.CommandError(f"no snapshot up to {snapshot_date} can be trained on: {reasons}")
    ((active,),) = conn.execute(ACTIVE_ROWS, (snapshots,)).fetchall()
    buckets = bucket_range(active, MAX_TRAINING_ROWS, MAX_HELDOUT_ROWS)
    rows = load(conn, snapshots, buckets, as_of)
    by_campaigns = with_usable_label(conn, snapshots, buckets, as_of) - len(rows)
    return Chosen(snapshots, left_out, buckets, by_campaigns, rows)


def closed_later(conn: psycopg.Connection, newest: date) -> pd.DataFrame:
    """Rows to measure out of time: all customers at up to LATER_WEEKS closed Sundays after `newest`, as known now.

    A training builds no snapshot after its date: those that are built already are measured on.
    """
    return measured_rows(conn, built_closed_sundays(conn, newest, LATER_WEEKS))


def measured_rows(conn: psycopg.Connection, snapshots: list[date]) -> pd.DataFrame:
    """Rows of all customers at `snapshots` with the labels known now, or of a sample of customers if they are many."""
    ((active,),) = conn.execute(ACTIVE_ROWS, (snapshots,)).fetchall()
    return load(conn, snapshots, measured_buckets(active, MAX_HELDOUT_ROWS))


def code_digest() -> str:
    """Digest of the code that determines a version, and of the versions of the libraries."""
    described = [catalogue.BY_NAME[name] for name in model_features()]
    features = [
        (
            each.name, each.role, each.direction, each.score_name, each.marked,
            each.maximum if each.role == "reached" else None,  # that of the others is a rule for their values
        )
        for each in described
    ]  # fmt: skip
    digest = hashlib.sha256(f"scikit-learn {sklearn.__version__} numpy {np.__version__} {features}".encode())
    here = Path(__file__).parent
    for path in [*(here / f"{n}.py" for n in DECIDING_CODE), *(SQL_DIR / f"{n}.sql" for n in DECIDING_SQL)]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _fit_and_register(
    client: MlflowClient, training: Training, rows: pd.DataFrame, later: pd.DataFrame
) -> registry.ChurnVersion:
    heldout_mask = is_heldout(rows["customer_id"].to_numpy())
    heldout, fitted_on = rows[heldout_mask], rows[~heldout_mask]
    warnings = check_training(fitted_on, heldout, training.snapshot_date, training.features)
    churned = fitted_on["labeled_churn"].to_numpy()
    fitted = fit_rows(fitted_on, training.features)
    features = tuple(name for name in training.features if name in fitted.features)
    training = replace(training, features=features, left_out_features=training.left_out_features | fitted.left_out)
    threshold, f1 = best_f1_threshold(churned, fitted.out_of_fold)
    rule = f"highest F1 for churn ({f1:.4f}) on out-of-fold scores of the training customers"
    described = describe(client, fitted, threshold, fitted_on, heldout, later)
    tags = version_tags(training, fitted_on, heldout, threshold, rule)
    tags |= evaluation_tags(described.in_time, described.out_of_time, later)
    tags["warnings"] = json.dumps(warnings)
    return registry.register(client, record(training, fitted, described, tags, fitted_on, heldout), tags)


def _summary(version: registry.ChurnVersion, training: Training, *, created: bool) -> dict[str, Any]:
    return {
        "model": MODEL_NAME,
        "model_version": version.version,
        "created": created,
        "run_id": version.run_id,
        "training_snapshots": version.training_snapshots,
        "left_out_snapshots": training.left_out_snapshots,
        "left_out_by_campaigns": training.left_out_by_campaigns,
        "labels_known_through": training.labels_known_through,
        "is_retrospective": training.labels_known_through >= training.snapshot_date,
        "data_digest": version.tags["data_digest"],
        "threshold": version.threshold,
        "out_of_time_snapshots": version.tag("out_of_time_snapshots"),
        "out_of_time_metrics": version.tag("out_of_time_metrics"),
        "heldout_metrics": version.tag("heldout_metrics"),
        "left_out_features": sorted(version.tag("left_out_features")),
        "warnings": version.tag("warnings"),
    }


def reproduce(number: str) -> dict[str, Any]:
    """Rebuild the training set of a version, fit it again, and say whether both are identical, or what differs.

    Raises:
        CommandError: the version is not registered, its files are lost, or its snapshots cannot be built any more.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    with registry.session() as client:
        version = registry.get(client, number)
        stored = registry.load(version)
    build_missing(version.training_snapshots)
    as_of = version.tag("as_of")
    buckets = (version.tag("heldout_buckets")[0], version.tag("training_buckets")[1])
    with connect(application_name=f"ml.train --reproduce {number}") as conn:
        rows = load(conn, version.training_snapshots, buckets, as_of and date.fromisoformat(as_of))
    return {"model": MODEL_NAME, "model_version": number, **compare_with(version, stored, rows, code_digest())}


def lookback(text: str) -> int:
    """Parse a number of weeks, 1 to 52."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_LOOKBACK_WEEKS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of weeks (expected 1 to {MAX_LOOKBACK_WEEKS})")
    return int(text)


def main() -> None:
    """Command line: `python -m ml.train --snapshot-date 2019-05-31 --lookback-weeks 8`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot-date", type=cli.iso_date, help="YYYY-MM-DD")
    parser.add_argument("--lookback-weeks", type=lookback, default=8, help="closed Sundays to train on (default 8)")
    parser.add_argument("--as-of", type=cli.iso_date, help="use only labels that were known on this date (YYYY-MM-DD)")
    parser.add_argument("--reproduce", metavar="VERSION", help="train a version again, and say what differs")
    arguments = parser.parse_args()
    if arguments.reproduce:
        cli.run(lambda: reproduce(arguments.reproduce))
    if arguments.snapshot_date is None:
        parser.error("the following arguments are required: --snapshot-date")
    cli.run(lambda: train(arguments.snapshot_date, arguments.lookback_weeks, arguments.as_of))


if __name__ == "__main__":
    main()
