"""What the tests of promotions ask of the record, the registry and the scores."""

import mlflow

from tests.integration.churn_rows import scores

WHY = "the campaign of May needs it"
DECISIONS = (
    "select action, challenger_version, champion_version, production_version, carried_out_at is not null"
    " from ops.model_promotions order by promotion_id"
)


def register_like_3(shared, client, *, turned=1.0, shifted=0.0):
    """A version like version 3 with its coefficients times `turned`, and its intercept plus `shifted`."""
    mlflow.set_tracking_uri(shared.extra_env["MLFLOW_TRACKING_URI"])
    model = mlflow.sklearn.load_model("models:/churn-logreg/3")
    model[-1].coef_ = turned * model[-1].coef_
    model[-1].intercept_ = model[-1].intercept_ + shifted
    tags = dict(client.get_model_version("churn-logreg", "3").tags)
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model, name="model", pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )  # fmt: skip
    registered = mlflow.register_model(logged.model_uri, "churn-logreg", tags={**tags, "training_fingerprint": "other"})
    return str(registered.version)


def scored_by(shared):
    """Snapshots that have scores, and the version of them."""
    return {(str(row[1]), row[4]) for row in scores(shared)}
