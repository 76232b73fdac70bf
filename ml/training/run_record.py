"""What the MLflow run of a version holds: parameters, figures, card, plots, reference and the model."""

import json

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import sklearn
from mlflow.models.signature import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from ml.model_config import CATEGORICAL_FEATURES, MODEL_NAME
from ml.store.registry import DESCRIPTION, TRAINING_REFERENCE
from ml.training.description import Description
from ml.training.model_card import model_card
from ml.training.pipeline import Fitted
from ml.training.plots import coefficient_plot, quality_plots
from ml.training.profile import Training
from ml.training.reference import reference

CARD, FIGURES = "model_card.md", "figures.json"
EXAMPLE_ROWS = 5


def record(
    training: Training,
    fitted: Fitted,
    described: Description,
    tags: dict[str, str],
    fitted_on: pd.DataFrame,
    heldout: pd.DataFrame,
) -> str:
    """Log a run of a training, and return the address of its model, which is not registered yet.

    FIGURES has the rows of ops.model_metrics, from which they are written after the version has its number.
    """
    features = list(training.features)
    mlflow.set_experiment(MODEL_NAME)
    with mlflow.start_run(run_name=f"{MODEL_NAME} {training.snapshot_date}"):
        mlflow.log_params(_parameters(training, fitted, tags, fitted_on))
        losses = {f"cross_validated_log_loss_C_{c:g}": loss for c, loss in fitted.log_losses.items()}
        mlflow.log_metrics(losses | described.metrics())
        mlflow.log_text(model_card(training, tags, described), CARD)
        mlflow.log_dict({"rows": described.rows()}, FIGURES)
        mlflow.log_dict(described.for_charts(), DESCRIPTION)
        mlflow.log_dict(reference(fitted_on, features, fitted.probabilities(fitted_on)), TRAINING_REFERENCE)
        plots = quality_plots(heldout["labeled_churn"].to_numpy(), described.heldout_scores)
        for name, figure in {**plots, "coefficients.png": coefficient_plot(fitted.pipeline)}.items():
            mlflow.log_figure(figure, f"plots/{name}")
        return _log_model(fitted, fitted_on[features].head(EXAMPLE_ROWS))


def _parameters(training: Training, fitted: Fitted, tags: dict[str, str], fitted_on: pd.DataFrame) -> dict[str, object]:
    classifier = fitted.pipeline[-1].get_params()
    return {
        "snapshot_date": training.snapshot_date,
        "lookback_weeks": training.lookback_weeks,
        "training_snapshots": ",".join(map(str, training.training_snapshots)),
        "labels_known_through": training.labels_known_through,
        "as_of": training.as_of,
        "training_rows": len(fitted_on),
        "left_out_by_campaigns": training.left_out_by_campaigns,
        "training_churn_rate": round(float(fitted_on["labeled_churn"].mean()), 6),
        "features": len(training.features),
        "left_out_features": ",".join(training.left_out_features),
        "data_digest": training.data_digest,
        "code_digest": training.code_digest,
        "git_commit": training.git_commit,
        "threshold": json.loads(tags["threshold"]),
        "threshold_rule": json.loads(tags["threshold_rule"]),
        **{f"classifier_{name}": classifier[name] for name in ("C", "max_iter")},
    }


def _log_model(fitted: Fitted, example: pd.DataFrame) -> str:
    """Log the pipeline; it gives n x 2 probabilities to pyfunc and sklearn consumers alike."""
    kinds = {name: "string" if name in CATEGORICAL_FEATURES else "double" for name in example.columns}
    signature = ModelSignature(
        inputs=Schema([ColSpec(kind, name) for name, kind in kinds.items()]),
        outputs=Schema([TensorSpec(np.dtype(np.float64), (-1, 2))]),
    )
    info = mlflow.sklearn.log_model(
        fitted.pipeline,
        "model",
        signature=signature,
        input_example=example,
        pyfunc_predict_fn="predict_proba",
        serialization_format="cloudpickle",  # both version lines of MLflow write and read it
        pip_requirements=[
            f"scikit-learn=={sklearn.__version__}",
            f"pandas=={pd.__version__}",
            f"numpy=={np.__version__}",
        ],
    )
    return str(info.model_uri)
