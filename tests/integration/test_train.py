"""`python -m ml.train` on the sample: quality, what the version carries, and training twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from sklearn.metrics import roc_auc_score

from ml.model_config import CATEGORICAL_FEATURES, HELDOUT_BUCKETS, NUMERIC_FEATURES, REGULARISATION_CANDIDATES
from ml.snapshots.catalogue import FEATURES, model_features
from tests.integration.churn_rows import forget_models
from tests.integration.conftest import Database

COMMAND = ("ml.train", "--snapshot-date", "2019-06-30", "--lookback-weeks", "8")
CLOSED = ["2019-04-07", "2019-04-14", "2019-04-21", "2019-04-28", "2019-06-30"]


@dataclass
class Trained:
    """The sample's version, trained on a database where nothing had been built."""

    database: Database
    client: MlflowClient
    uri: str
    result: dict

    @property
    def tags(self):
        return self.client.get_model_version("churn-logreg", self.result["model_version"]).tags

    @property
    def run(self):
        return self.client.get_run(self.result["run_id"])

    def model(self, flavour):
        mlflow.set_tracking_uri(self.uri)
        return flavour.load_model(f"models:/churn-logreg/{self.result['model_version']}")


@pytest.fixture(scope="module")
def trained(new_database, seeded_template, mlflow_uri):
    client = forget_models(mlflow_uri)
    database = new_database(seeded_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    done = database.run(*COMMAND)
    assert done.returncode == 0, done.stderr
    return Trained(database, client, mlflow_uri, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def heldout(trained):
    """Numeric features and labels of the held-out rows, selected by SQL alone."""
    columns = ", ".join([*NUMERIC_FEATURES, "labeled_churn"])
    found = trained.database.rows(
        f"select {columns} from features.churn_weekly_features where label_horizon_days between 60 and 67"
        f" and ops.customer_bucket(customer_id) < {HELDOUT_BUCKETS}"
    )
    return pd.DataFrame(found, columns=[*NUMERIC_FEATURES, "labeled_churn"]).astype(float)


def test_snapshots_that_were_missing_are_built(trained):
    built = trained.database.rows("select snapshot_date::text from ops.current_feature_builds order by 1")
    assert [day for (day,) in built] == CLOSED == trained.result["training_snapshots"]


def test_sample_can_be_learned_but_not_read_off(trained, heldout):
    metrics = trained.run.data.metrics
    assert 0.75 <= metrics["heldout_roc_auc"] <= 0.88
    assert metrics["heldout_recency_roc_auc_gain_low"] > 0
    assert metrics["heldout_recency_roc_auc"] == pytest.approx(
        roc_auc_score(heldout["labeled_churn"], heldout["days_since_activity"])
    )
    for name in NUMERIC_FEATURES:
        known = heldout[heldout[name].notna()]
        if known["labeled_churn"].nunique() == 2:
            alone = roc_auc_score(known["labeled_churn"], known[name])
            assert max(alone, 1 - alone) <= 0.83, name


def test_figures_are_those_of_held_out_customers(trained, heldout):
    tags = trained.tags
    counts = json.loads(tags["heldout_label_counts"])
    assert sum(n for source in counts.values() for n in source.values()) == len(heldout)
    for figure in ("roc_auc", "average_precision", "brier", "log_loss", "calibration_error", "lift_top_decile"):
        for group in ("", "observed_", "evaluate_"):
            values = trained.run.data.metrics
            name = f"heldout_{group}{figure}"
            assert values[f"{name}_low"] <= values[f"{name}_high"]
            assert np.isfinite(values[name])


def test_training_rows_are_the_other_customers_of_the_active_cohort(trained):
    ((rows,),) = trained.database.rows(
        "select count(*) from features.churn_weekly_features where label_horizon_days between 60 and 67"
        f" and days_since_activity < 60 and ops.customer_bucket(customer_id) >= {HELDOUT_BUCKETS}"
    )
    assert int(trained.run.data.params["training_rows"]) == rows
    counts = json.loads(trained.tags["training_label_counts"])
    assert sum(n for source in counts.values() for n in source.values()) == rows


def test_pyfunc_predictions_are_probabilities(trained):
    features = json.loads(trained.tags["numeric_features"]) + json.loads(trained.tags["categorical_features"])
    found = trained.database.rows(
        f"select {', '.join(features)} from features.churn_weekly_features where days_since_activity < 60 limit 50"
    )
    frame = pd.DataFrame(found, columns=features).astype(
        dict.fromkeys(json.loads(trained.tags["numeric_features"]), float)
    )
    frame.loc[0, "tarjetas"] = "una tarjeta nueva"
    frame.loc[1, "tarjetas"] = None
    predicted = np.asarray(trained.model(mlflow.pyfunc).predict(frame))
    assert predicted.shape == (50, 2)
    assert predicted.sum(axis=1) == pytest.approx(np.ones(50))
    np.testing.assert_array_equal(predicted, trained.model(mlflow.sklearn).predict_proba(frame))


def test_a_feature_without_values_in_a_snapshot_is_left_out_and_named(trained):
    empty = set()
    for name in model_features(demographics=False):
        by_snapshot = trained.database.rows(
            f"select count({name}) from features.churn_weekly_features where days_since_activity < 60"
            " group by snapshot_date"
        )
        if any(known == 0 for (known,) in by_snapshot):
            empty.add(name)
    assert {"spent_ml", "days_since_login_mp", "plata_cuenta_1"} <= empty
    assert set(json.loads(trained.tags["left_out_features"])) == set(trained.result["left_out_features"]) == empty
    assert not empty & set(json.loads(trained.tags["numeric_features"]))


def test_version_carries_what_consumers_need(trained):
    tags = trained.tags
    assert list(json.loads(tags["categories"])) == ["tarjetas"]
    assert "Credit Card" in json.loads(tags["categories"])["tarjetas"]
    quantiles = json.loads(tags["training_quantiles"])
    assert list(quantiles) == json.loads(tags["numeric_features"])
    assert all(values == sorted(values) for values in quantiles.values())
    assert 0 < json.loads(tags["threshold"]) < 1
    assert "F1" in json.loads(tags["threshold_rule"])
    assert json.loads(tags["labels_known_through"]) == "2019-08-31"
    assert len(tags["data_digest"]) == len(tags["code_digest"]) == 64
    assert max(len(value) for value in tags.values()) <= 5000, "MLflow 2.10 holds no longer tag"
    assert "git_commit" in tags


def test_run_keeps_plots_card_reference_signature_and_example(trained):
    run_id = trained.result["run_id"]
    plots = {file.path for file in trained.client.list_artifacts(run_id, "plots")}
    assert plots == {f"plots/{n}.png" for n in ("roc", "precision_recall", "calibration", "coefficients")}
    mlflow.set_tracking_uri(trained.uri)
    card = mlflow.artifacts.load_text(f"runs:/{run_id}/model_card.md")
    assert "Left out" in card
    assert "spent_ml" in card
    reference = mlflow.artifacts.load_dict(f"runs:/{run_id}/training_reference.json")
    assert reference["rows"] == int(trained.run.data.params["training_rows"])
    assert set(reference["features"]) == {
        *json.loads(trained.tags["numeric_features"]),
        *json.loads(trained.tags["categorical_features"]),
    }
    info = mlflow.models.get_model_info(f"models:/churn-logreg/{trained.result['model_version']}")
    assert info.signature.inputs.input_names() == [
        *json.loads(trained.tags["numeric_features"]),
        *json.loads(trained.tags["categorical_features"]),
    ]
    assert info.saved_input_example_info is not None


def test_gender_age_group_and_province_are_in_the_model_only_if_a_setting_says_so(trained):
    assert json.loads(trained.tags["categorical_features"]) == ["tarjetas"]
    command = (*COMMAND[:-1], "1")
    done = [trained.database.run(*command, MODEL_DEMOGRAPHICS=setting) for setting in ("no", "yes")]
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    without, with_them = (json.loads(each.stdout.splitlines()[-1])["model_version"] for each in done)
    assert without != with_them
    tags = trained.client.get_model_version("churn-logreg", with_them).tags
    assert set(json.loads(tags["categorical_features"])) == set(CATEGORICAL_FEATURES)
    for version in (without, with_them):
        trained.client.delete_model_version("churn-logreg", version)


def test_c_is_on_record_with_the_log_loss_of_each_candidate(trained):
    losses = {c: trained.run.data.metrics[f"cross_validated_log_loss_C_{c:g}"] for c in REGULARISATION_CANDIDATES}
    assert losses[float(trained.run.data.params["classifier_C"])] == min(losses.values())


def test_every_numeric_column_of_the_table_is_a_feature_of_one_kind(trained):
    columns = trained.database.rows(
        "select attname::text, format_type(atttypid, null) = 'text' from pg_attribute where attnum > 0 and"
        " attrelid = 'features.churn_weekly_features'::regclass and not attisdropped"
        " and attname::text <> all(%(beside)s)",
        {"beside": ["customer_id", "snapshot_date", "labeled_churn", "label_source", "label_horizon_days"]},
    )
    assert {name for name, is_text in columns if is_text} == set(CATEGORICAL_FEATURES)
    assert {name for name, is_text in columns if not is_text} == {
        each.name for each in FEATURES if each.role != "categorical"
    }


def test_sql_and_python_hash_customers_alike(trained):
    from ml.training.holdout import customer_bucket

    ids = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, 5000)
    found = trained.database.rows("select ops.customer_bucket(unnest(%(ids)s::bigint[]))", {"ids": ids.tolist()})
    assert [bucket for (bucket,) in found] == customer_bucket(ids).tolist()


def test_training_twice_gives_the_version_that_exists(trained):
    again = trained.database.run(*COMMAND)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1]) == {**trained.result, "created": False}
    assert len(trained.client.search_model_versions("name = 'churn-logreg'")) == 1


def test_training_anew_gives_the_same_coefficients_and_digest(trained):
    """The version is forgotten and the table's rows are moved about: nothing may depend on their order."""
    first = trained.model(mlflow.sklearn)
    original = dict(trained.tags)
    forget_models(trained.uri)
    with trained.database.connect() as conn:
        for table in ("20190407", "20190630"):
            conn.execute(f"create temp table moved as select * from features.churn_weekly_features_{table}")
            conn.execute(f"delete from features.churn_weekly_features_{table}")
            conn.execute(f"insert into features.churn_weekly_features_{table} select * from moved order by spent_90d")
            conn.execute("drop table moved")
    done = trained.database.run(*COMMAND)
    assert done.returncode == 0, done.stderr
    trained.result = json.loads(done.stdout.splitlines()[-1])
    assert trained.result["created"]
    second = trained.model(mlflow.sklearn)
    np.testing.assert_array_equal(first[-1].coef_, second[-1].coef_)
    assert first[-1].intercept_ == second[-1].intercept_
    assert trained.tags == original


def test_changed_data_give_another_version(trained):
    with trained.database.connect() as conn:
        conn.execute(
            "update features.churn_weekly_features set tenure_days = tenure_days + 1 where days_since_activity < 60"
            " and (customer_id, snapshot_date) = (select customer_id, snapshot_date from features.churn_weekly_features"
            " where days_since_activity < 60 order by 2, 1 limit 1)"
        )
    done = trained.database.run(*COMMAND)
    assert done.returncode == 0, done.stderr
    other = json.loads(done.stdout.splitlines()[-1])
    assert other["created"]
    assert other["data_digest"] != trained.result["data_digest"]


def test_two_trainings_of_the_same_data_at_once_register_one_version(trained):
    command = (*COMMAND[:-1], "2")
    with ThreadPoolExecutor() as pool:
        both = [done.result() for done in [pool.submit(trained.database.run, *command) for _ in range(2)]]
    assert [done.returncode for done in both] == [0, 0], [done.stderr for done in both]
    first, second = (json.loads(done.stdout.splitlines()[-1]) for done in both)
    assert {first["created"], second["created"]} == {True, False}
    assert first["model_version"] == second["model_version"]
