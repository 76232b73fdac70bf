"""Two versions scored on the same held-out rows."""

from typing import Any

import psycopg

from ml.model_config import PROMOTION_MARGINS
from ml.store import registry
from ml.training.dataset import digest, load
from ml.training.metrics import figures, is_measurable


def compare(
    conn: psycopg.Connection, challenger: registry.ChurnVersion, champion: registry.ChurnVersion
) -> tuple[bool, dict[str, Any]]:
    """Score both on the held-out customers of the snapshots that the challenger was trained on.

    Neither version was trained on these customers. Returns whether the champion stays, because the challenger is worse
    by more than one of PROMOTION_MARGINS or cannot be measured, and the figures as columns of ops.model_promotions.

    Raises:
        CommandError: a version's files are not in the artifact store.
    """
    features = tuple(dict.fromkeys((*challenger.features, *champion.features)))
    rows = load(conn, challenger.training_snapshots, challenger.tag("heldout_buckets"), features=features)
    churned = rows["labeled_churn"].to_numpy()
    found = {"evaluation_digest": digest(rows), "heldout_rows": len(rows)}
    if not is_measurable(churned):
        reason = f"not measurable on {len(rows)} held-out rows with {int(churned.sum())} churners"
        return True, {**found, "reason": reason}
    ours, theirs = (
        figures(churned, registry.load(version).predict_proba(rows[list(version.features)])[:, 1])
        for version in (challenger, champion)
    )
    loss = {"roc_auc": theirs["roc_auc"] - ours["roc_auc"], "log_loss": ours["log_loss"] - theirs["log_loss"]}
    beyond = [name for name, margin in PROMOTION_MARGINS.items() if loss[name] > margin]
    shown = "; ".join(
        f"{name} {ours[name]:.4f} against {theirs[name]:.4f} (margin {margin})"
        for name, margin in PROMOTION_MARGINS.items()
    )
    for name in PROMOTION_MARGINS:
        found |= {f"challenger_{name}": ours[name], f"champion_{name}": theirs[name]}
    judged = f"worse in {' and '.join(beyond)}" if beyond else "not worse"
    return bool(beyond), {**found, "reason": f"{judged}: {shown}"}
