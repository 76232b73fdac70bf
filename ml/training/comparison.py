"""Two versions scored on the same held-out rows."""

from dataclasses import dataclass

import psycopg

from ml.model_config import PROMOTION_MARGINS
from ml.store import registry
from ml.training.dataset import digest, load
from ml.training.metrics import figures, is_measurable


@dataclass(frozen=True)
class Comparison:
    """Figures of challenger and champion on `heldout_rows` rows; empty if they cannot be measured."""

    challenger: dict[str, float]
    champion: dict[str, float]
    heldout_rows: int
    evaluation_digest: str
    worse: bool
    reason: str


def compare(conn: psycopg.Connection, challenger: registry.ChurnVersion, champion: registry.ChurnVersion) -> Comparison:
    """Score both on the held-out customers of the snapshots that the challenger was trained on.

    Neither version was trained on these customers. If the challenger cannot be measured, the champion stays.

    Raises:
        CommandError: a version's files are not in the artifact store.
    """
    features = tuple(dict.fromkeys((*challenger.features, *champion.features)))
    rows = load(conn, challenger.training_snapshots, challenger.heldout_buckets, features)
    churned = rows["labeled_churn"].to_numpy()
    if not is_measurable(churned):
        reason = f"not measurable on {len(rows)} held-out rows with {int(churned.sum())} churners"
        return Comparison({}, {}, len(rows), digest(rows), True, reason)
    ours, theirs = (
        figures(churned, registry.load(version).predict_proba(rows[list(version.features)])[:, 1])
        for version in (challenger, champion)
    )
    worse, reason = verdict(ours, theirs)
    return Comparison(ours, theirs, len(rows), digest(rows), worse, reason)


def verdict(challenger: dict[str, float], champion: dict[str, float]) -> tuple[bool, str]:
    """Whether the challenger is worse beyond a margin of PROMOTION_MARGINS, and the figures that say so."""
    loss = {
        "roc_auc": champion["roc_auc"] - challenger["roc_auc"],
        "log_loss": challenger["log_loss"] - champion["log_loss"],
    }
    beyond = [name for name, margin in PROMOTION_MARGINS.items() if loss[name] > margin]
    figures = "; ".join(
        f"{name} {challenger[name]:.4f} against {champion[name]:.4f} (margin {margin})"
        for name, margin in PROMOTION_MARGINS.items()
    )
    judged = f"worse in {' and '.join(beyond)}" if beyond else "not worse"
    return bool(beyond), f"{judged}: {figures}"
