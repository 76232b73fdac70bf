"""`python -m ml.promote`: decisions on record, rollback, and repair after a kill."""

import json
import re
from datetime import date

import mlflow
import pytest

import ml.promote
from ml.cli import CommandError
from ml.infer_batch import score
from ml.train import train
from tests.integration.churn_rows import call, fill, forget_models, production, scores
from tests.integration.faults import Running

SNAPSHOTS = ("2019-05-12", "2019-05-19", "2019-05-26")
WHY = "the campaign of May needs it"
DECISIONS = (
    "select action, challenger_version, champion_version, production_version, carried_out_at is not null"
    " from ops.model_promotions order by promotion_id"
)


@pytest.fixture(scope="module")
def shared(new_database, empty_template, mlflow_uri):
    """Three versions: 1 from older snapshots, 2 and 3 up to the same newest one."""
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, *SNAPSHOTS)
    for day, weeks in (("2019-05-19", 2), ("2019-05-26", 2), ("2019-05-26", 3)):
        call(database, train, date.fromisoformat(day), weeks)
    return database


@pytest.fixture
def client(shared):
    """The registry with nothing in production, and no decision on record."""
    client = mlflow.MlflowClient(shared.extra_env["MLFLOW_TRACKING_URI"])
    client.delete_registered_model_alias("churn-logreg", "production")
    for version in client.search_model_versions("name = 'churn-logreg'"):
        client.transition_model_version_stage("churn-logreg", version.version, "None")
        if int(version.version) > 3:
            client.delete_model_version("churn-logreg", version.version)
    with shared.connect() as conn:
        conn.execute("truncate ops.model_promotions restart identity; truncate ops.churn_scoring")
    return client


@pytest.fixture
def promote(shared, client):
    """Decide about a version (none: the newest) and return what the command would print."""

    return lambda version=None: call(shared, ml.promote.promote, version)


@pytest.fixture
def force(shared, client):
    """Promote by hand and return what the command would print."""
    return lambda version: call(shared, ml.promote.promote_by_hand, version, WHY)


@pytest.fixture
def rollback(shared, client):
    """Go back a version and return what the command would print."""
    return lambda: call(shared, ml.promote.rollback, WHY)


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


def test_first_version_is_promoted(promote, client, shared):
    assert promote("1")["action"] == "promote"
    assert production(client) == ("1", ["1"])
    assert shared.rows(DECISIONS) == [("promote", "1", None, "1", True)]


def test_a_challenger_that_is_not_worse_replaces_the_champion(promote, client, shared):
    promote("2")
    said = promote()
    assert (said["challenger_version"], said["champion_version"]) == ("3", "2")
    assert said["reason"].startswith("not worse: roc_auc 0.")
    assert said["heldout_rows"] > 500
    assert production(client) == ("3", ["3"])
    ((challenger, champion),) = shared.rows(
        "select challenger_roc_auc, champion_log_loss from ops.model_promotions where champion_version = '2'"
    )
    assert (challenger, champion) == (said["challenger_roc_auc"], said["champion_log_loss"])
    assert None not in (challenger, champion)


def test_a_worse_challenger_is_kept_out_and_the_reason_is_on_record(promote, client, shared):
    promote("3")
    worse = register_worse(shared, client)
    said = promote(worse)
    assert said["action"] == "keep"
    assert said["reason"].startswith("worse in roc_auc and log_loss: ")
    assert said["challenger_roc_auc"] == pytest.approx(1 - said["champion_roc_auc"], abs=0.1)
    assert production(client) == ("3", ["3"])
    assert shared.rows(DECISIONS)[-1] == ("keep", worse, "3", "3", True)
    promote(worse)
    assert len(shared.rows(DECISIONS)) == 2, "the same decision is not recorded again"
    assert promote(worse, force=True)["reason"] == "promoted by hand, not compared"
    assert production(client) == (worse, [worse])


def test_an_older_training_does_not_replace_a_newer_one(promote, client):
    promote("3")
    said = promote("1")
    assert said["action"] == "keep"
    assert "trained on snapshots up to 2019-05-19, the one in production up to 2019-05-26" in said["reason"]
    assert production(client) == ("3", ["3"])


def test_promoting_what_is_in_production_changes_nothing(promote, client, shared):
    promote("3")
    assert promote("3")["action"] == "none"
    assert len(shared.rows(DECISIONS)) == 1


def test_rollback_brings_back_one_version_after_another(promote, rollback, client, shared):
    for version in ("1", "2", "3"):
        promote(version)
    assert production(client) == ("3", ["3"])
    said = rollback()
    assert said["action"] == "rollback"
    assert said["production_version"] == "2"
    assert production(client) == ("2", ["2"])
    rollback()
    assert production(client) == ("1", ["1"])
    with pytest.raises(CommandError, match="version 1 replaced no other; there is nothing to go back to"):
        rollback()
    assert [row[0] for row in shared.rows(DECISIONS)] == ["promote"] * 3 + ["rollback"] * 2


def test_batch_follows_a_rollback(promote, rollback, client, shared):
    promote("2")
    promote("3")
    for version in ("3", "2"):
        call(shared, score, date(2019, 5, 26))
        assert {row[4] for row in scores(shared)} == {version}
        if version == "3":
            rollback()


def test_a_version_rolled_back_from_returns_only_by_hand(promote, rollback, client):
    promote("2")
    promote("3")
    rollback()
    said = promote("3")
    assert said["action"] == "keep"
    assert "rolled back from on" in said["reason"]
    assert "--version 3 --force" in said["reason"]
    promote("3", force=True)
    assert production(client) == ("3", ["3"])


def test_rollback_without_production(rollback):
    with pytest.raises(CommandError, match="no version of churn-logreg is in production"):
        rollback()


@pytest.mark.parametrize("version", ["77", "three", ""])
def test_unknown_version(promote, version):
    with pytest.raises(CommandError, match=re.escape(f"churn-logreg has no version {version!r} (registered: 1, 2, 3)")):
        promote(version)


def test_rollback_takes_no_version(shared):
    done = shared.run("ml.promote", "--rollback", "--version", "1")
    assert done.returncode == 2
    assert "--rollback takes no other argument" in done.stderr


def test_command_line(shared, client):
    done = shared.run("ml.promote", "--version", "77")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: churn-logreg has no version '77'")
    done = shared.run("ml.promote", "--version", "1")
    assert json.loads(done.stdout.splitlines()[-1])["production_version"] == "1"


def test_killed_after_the_decision_then_run_again(promote, rollback, client, shared):
    promote("2")
    undone = "select 1 from ops.model_promotions where carried_out_at is null"
    running = Running(shared, "ml.promote", "--version", "3")
    with shared.connect() as observer:
        running.wait_for(lambda: observer.execute(undone).fetchone(), "a decision not carried out")
        running.kill()
    assert shared.rows(undone)
    said = promote("3")
    assert said["action"] == "none"
    assert production(client) == ("3", ["3"])
    assert shared.rows(DECISIONS)[-1] == ("promote", "3", "2", "3", True)
    assert rollback()["production_version"] == "2"


@pytest.mark.parametrize("alias", ["2", "3"])
def test_decision_left_open_before_or_after_the_alias_moved(promote, client, shared, alias):
    promote("2")
    promote("3")
    with shared.connect() as conn:
        conn.execute("update ops.model_promotions set carried_out_at = null where production_version = '3'")
    client.set_registered_model_alias("churn-logreg", "production", alias)
    client.transition_model_version_stage("churn-logreg", "3", "Archived")
    client.transition_model_version_stage("churn-logreg", "2", "Production")
    assert promote("3")["repaired"]
    assert production(client) == ("3", ["3"])
    assert all(row[-1] for row in shared.rows(DECISIONS))


def test_alias_moved_by_hand_is_respected_and_the_stage_follows(promote, client, shared):
    promote("2")
    promote("3")
    with shared.connect() as conn:
        conn.execute("update ops.model_promotions set carried_out_at = null where production_version = '3'")
    client.set_registered_model_alias("churn-logreg", "production", "1")
    said = promote("1")
    assert said["production_version"] == "1"
    assert production(client) == ("1", ["1"])
    ((reason,),) = shared.rows("select reason from ops.model_promotions where production_version = '3'")
    assert reason.endswith("(not carried out: the alias was moved to version 1 meanwhile)")


def test_two_versions_in_stage_production_become_one(promote, client):
    promote("3")
    client.transition_model_version_stage("churn-logreg", "1", "Production")
    said = promote("3")
    assert said["repaired"] == ["stage of version 1 follows the alias"]
    assert production(client) == ("3", ["3"])


def test_nothing_registered(database, mlflow_uri):
    """Last: it empties the registry that the other tests share."""
    forget_models(mlflow_uri)
    with pytest.raises(CommandError, match="no version of churn-logreg is registered; train one: airflow dags test"):
        call(database, ml.promote.promote, MLFLOW_TRACKING_URI=mlflow_uri)
