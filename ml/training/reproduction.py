"""A version beside the same training done again: the rows, the code, and every coefficient."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ml.store.registry import ChurnVersion
from ml.training.dataset import features_with_values, training_digest
from ml.training.explanation import inputs
from ml.training.holdout import is_heldout
from ml.training.pipeline import fit_rows


def compare_with(version: ChurnVersion, stored: Pipeline, rows: pd.DataFrame, code: str) -> dict[str, Any]:
    """Fit on `rows` as the training of `version` did; say whether it is `identical` to `stored`, and what differs.

    `differences` names the data, the code and libraries, and each input whose coefficient differs, with both values.
    """
    differences = []
    for what, now, then in (
        ("the rows", training_digest(rows), version.tags["data_digest"]),
        ("the code or a library", code, version.tags["code_digest"]),
    ):
        if now != then:
            differences.append(f"{what}: digest {now[:16]}, {then[:16]} when the version was trained")
    features, _ = features_with_values(rows)
    fitted_on = rows[~is_heldout(rows["customer_id"].to_numpy())]
    again = fit_rows(fitted_on, features).pipeline
    now_by_name, then_by_name = coefficients(again), coefficients(stored)
    for name in sorted(now_by_name.keys() | then_by_name.keys()):
        now_value, then_value = now_by_name.get(name), then_by_name.get(name)
        if now_value != then_value:
            differences.append(f"coefficient of {name}: {now_value}, {then_value} in the version")
    return {"identical": not differences, "differences": differences, "rows": len(rows)}


def coefficients(pipeline: Pipeline) -> dict[str, float]:
    """Coefficients by the name of the input, and the intercept."""
    values = np.append(pipeline[-1].coef_[0], pipeline[-1].intercept_[0])
    return dict(zip([*(each.name for each in inputs(pipeline)), "the intercept"], map(float, values), strict=True))
