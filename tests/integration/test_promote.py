"""`python -m ml.promote`: decisions on record, rollback, and repair after a kill."""

import getpass
import json
import os
import re
import subprocess
import sys
from datetime import date
from functools import partial

import mlflow
import psycopg
import pytest

import ml.promote
from ml.cli import CommandError
from ml.infer_batch import score
from ml.promotion_policy import LIMITS
from ml.train import train
from tests.integration.churn_rows import call, fill, forget_models, production, scores
from tests.integration.conftest import ROOT
from tests.integration.faults import Running

SNAPSHOTS = ("2019-05-12", "2019-05-19", "2019-05-26")
TABLE_OF_BEFORE = """
create table ops.model_promotions (
    promotion_id bigint generated always as identity primary key,
    decided_at timestamptz not null default now(),
    action text not null check (action in ('promote', 'keep', 'rollback')),
    challenger_version text not null,
    champion_version text,
    production_version text not null,
    reason text not null,
    evaluation_digest text,
    heldout_rows bigint,
    challenger_roc_auc double precision,
    champion_roc_auc double precision,
    challenger_log_loss double precision,
    champion_log_loss double precision,
    run_id text not null,
    carried_out_at timestamptz
);
insert into ops.model_promotions (
    action, challenger_version, champion_version, production_version, reason, run_id, carried_out_at
)
values
    ('promote', '1', null, '1', 'first version in production', 'shell', now()),
    ('keep', '2', '1', '1', 'worse', 'shell', now()),
    ('promote', '2', '1', '2', 'not worse', 'shell', now());
"""
WHY = "the campaign of May needs it"
DECISIONS = (
    "select action, challenger_version, champion_version, production_version, carried_out_at is not null"
    " from ops.model_promotions order by promotion_id"
)


@pytest.fixture(scope="module")
def shared(new_database, empty_template, mlflow_uri):
    """Three versions: 1 from older snapshots, 2 and 3 up to the same newest one.

    They flag from the same score on: the highest F1 of synthetic rows jumps, and the share flagged with it.
    """
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    fill(database, *SNAPSHOTS)
    for day, weeks in (("2019-05-19", 2), ("2019-05-26", 2), ("2019-05-26", 3)):
        call(database, train, date.fromisoformat(day), weeks)
    for version in "123":
        mlflow.MlflowClient(mlflow_uri).set_model_version_tag("churn-logreg", version, "threshold", "0.5")
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


def scored_by(shared):
    """Snapshots that have scores, and the version of them."""
    return {(str(row[1]), row[4]) for row in scores(shared)}


def test_first_version_is_promoted_and_scores_the_newest_snapshot(promote, client, shared):
    said = promote("1")
    assert (said["action"], said["production_version"], said["reason"]) == (
        "promote",
        "1",
        "first version in production",
    )
    assert production(client) == ("1", ["1"])
    assert shared.rows(DECISIONS) == [("promote", "1", None, "1", True)]
    assert said["scored_again"]["snapshot_date"] == date(2019, 5, 26)
    assert scored_by(shared) == {("2019-05-26", "1")}


def test_a_challenger_that_is_not_worse_replaces_the_champion(promote, client, shared):
    promote("2")
    said = promote()
    assert (said["challenger_version"], said["champion_version"], said["reference_version"]) == ("3", "2", "2")
    assert said["reason"].startswith("not worse than version 2; losses: log_loss ")
    assert "\n" not in said["reason"]
    assert said["heldout_rows"] > 500
    assert production(client) == ("3", ["3"])
    ((figures, challenger, champion),) = shared.rows(
        "select figures, challenger_roc_auc, champion_log_loss from ops.model_promotions where champion_version = '2'"
    )
    assert (challenger, champion) == (said["challenger_roc_auc"], said["champion_log_loss"])
    assert set(figures) == set(LIMITS)
    assert figures["roc_auc"]["challenger"] == challenger
    assert figures["log_loss"]["reference"] == champion
    for name, figure in figures.items():
        assert figure["low"] < figure["loss"] < figure["high"] <= figure["limit"] == LIMITS[name]


def test_a_worse_challenger_is_kept_out_and_the_reason_is_on_record(promote, force, client, shared):
    promote("3")
    worse = register_like_3(shared, client, turned=-1)
    said = promote(worse)
    assert said["action"] == "keep"
    assert said["reason"].startswith("worse than version 3 in log_loss and roc_auc")
    assert said["challenger_roc_auc"] == pytest.approx(1 - said["champion_roc_auc"], abs=0.1)
    assert production(client) == ("3", ["3"])
    assert shared.rows(DECISIONS)[-1] == ("keep", worse, "3", "3", True)
    assert promote(worse)["reason"] == said["reason"]
    assert len(shared.rows(DECISIONS)) == 2, "the same decision is not recorded again"
    assert force(worse)["reason"] == f"promoted by hand, not compared: {WHY}"
    assert production(client) == (worse, [worse])


@pytest.mark.parametrize("shift", [-0.3, 0.3])
def test_a_challenger_with_other_log_odds_stays_out(promote, client, shared, shift):
    promote("3")
    said = promote(register_like_3(shared, client, shifted=shift))
    assert said["action"] in ("keep", "inconclusive")
    assert production(client) == ("3", ["3"])
    assert shared.rows("select action, production_version from ops.model_promotions")[-1] == (said["action"], "3")


def test_the_reference_is_the_best_version_not_the_one_in_production(promote, force, rollback, client, shared):
    promote("3")
    worse = register_like_3(shared, client, turned=0.1)
    force(worse)
    said = promote(register_like_3(shared, client, turned=0.1))
    assert (said["champion_version"], said["reference_version"], said["action"]) == (worse, "3", "keep")
    assert said["champion_log_loss"] > said["figures"]["log_loss"]["reference"]
    client.set_registered_model_alias("churn-logreg", "production", "3")
    force("2")
    rollback()
    assert promote(worse)["reason"].startswith("rolled back from on"), "a return by hand withdraws as well"


def test_a_version_whose_files_are_lost_is_not_compared_with(promote, force, client, shared):
    promote("2")
    tags = dict(client.get_model_version("churn-logreg", "3").tags)
    with mlflow.start_run() as run:
        mlflow.log_text("what is left", "lost/readme")
    lost = client.create_model_version("churn-logreg", f"{run.info.artifact_uri}/lost", run.info.run_id, tags=tags)
    force(str(lost.version))
    said = promote("3")
    assert (said["action"], said["champion_version"], said["reference_version"]) == ("promote", str(lost.version), "2")
    assert said["champion_roc_auc"] is None


def test_a_version_that_was_replaced_returns_only_by_hand(promote, force, client):
    promote("2")
    promote("3")
    said = promote("2")
    assert (said["action"], said["production_version"]) == ("keep", "3")
    assert said["reason"].startswith("was in production before version 3; to promote it all the same: make promote")
    assert force("2")["production_version"] == "2"


def test_an_older_training_does_not_replace_a_newer_one(promote, client):
    promote("3")
    said = promote("1")
    assert said["action"] == "keep"
    assert "trained on snapshots up to 2019-05-19, the one in production up to 2019-05-26" in said["reason"]
    assert production(client) == ("3", ["3"])


def test_promoting_what_is_in_production_changes_nothing(promote, force, client, shared):
    promote("3")
    before = scores(shared)
    for again in (promote, force):
        assert again("3")["action"] == "none"
    assert len(shared.rows(DECISIONS)) == 1
    assert scores(shared) == before


def test_rollback_goes_down_a_stack_and_never_back_to_what_was_withdrawn(promote, force, rollback, client, shared):
    for version in ("1", "2", "3"):
        force(version)
    assert rollback()["production_version"] == "2"
    assert production(client) == ("2", ["2"])
    assert scored_by(shared) == {("2019-05-26", "2")}
    force("3")
    assert rollback()["production_version"] == "2"
    assert rollback()["production_version"] == "1"
    assert production(client) == ("1", ["1"])
    with pytest.raises(CommandError, match="there is nothing to go back to: no version was in production before churn"):
        rollback()
    force("2")
    assert rollback()["production_version"] == "1"
    said = promote("3")
    assert (said["action"], said["production_version"]) == ("keep", "1")
    assert re.search(r'rolled back from on 20\d\d-.*make promote VERSION=3 WHY="', said["reason"])
    assert scored_by(shared) == {("2019-05-26", "1")}


def test_a_deleted_version_is_passed_over_by_a_rollback(force, rollback, client, shared):
    force("1")
    deleted = register_like_3(shared, client)
    force(deleted)
    force("3")
    client.delete_model_version("churn-logreg", deleted)
    assert rollback()["production_version"] == "1"


def test_the_newest_snapshot_with_scores_is_scored_again(force, rollback, shared):
    force("2")
    with shared.connect() as conn:
        conn.execute("truncate ops.churn_scoring")
    call(shared, score, date(2019, 5, 12))
    call(shared, score, date(2019, 5, 19))
    force("3")
    assert scored_by(shared) == {("2019-05-12", "2"), ("2019-05-19", "3")}


def test_a_promotion_stands_when_scoring_fails_and_the_next_run_scores(force, promote, client, shared, capsys):
    force("2")
    with shared.connect() as conn:
        conn.execute("update ops.feature_builds set rows_inactive_60d = rows_built where snapshot_date = '2019-05-26'")
    try:
        said = force("3")
    finally:
        fill(shared, "2019-05-26")
    assert production(client) == ("3", ["3"])
    assert 'score it: make airflow ARGS="dags test churn_batch_score_w 2019-05-26"' in said["scored_again"]
    assert said["scored_again"] in capsys.readouterr().err
    assert scored_by(shared) == {("2019-05-26", "2")}
    assert promote("3")["action"] == "none"
    assert scored_by(shared) == {("2019-05-26", "3")}


def test_a_hold_stops_promotions_but_no_rollback(promote, force, rollback, client, shared):
    force("1")
    force("2")
    call(shared, ml.promote.hold, "the auditors are here", "ana")
    said = promote("3")
    assert said["action"] == "keep"
    assert re.match(r"held since 20.* UTC by ana, because: the auditors are here; .*make unhold", said["reason"])
    promote("3")
    with pytest.raises(CommandError, match=r"held since 20.* by ana, because: the auditors are here; .*make unhold"):
        force("3")
    assert rollback()["production_version"] == "1"
    assert call(shared, ml.promote.unhold, "", "eva")["action"] == "unhold"
    assert call(shared, ml.promote.unhold)["reason"] == "promotions are not on hold"
    assert force("3")["production_version"] == "3"
    assert shared.rows("select action, who, why from ops.model_promotions offset 2")[:4] == [
        ("hold", "ana", "the auditors are here"),
        ("keep", getpass.getuser(), None),
        ("rollback", getpass.getuser(), WHY),
        ("unhold", "eva", None),
    ]


def test_a_hold_holds_the_first_version_too(promote, client, shared):
    call(shared, ml.promote.hold, "not yet")
    assert promote("1")["production_version"] is None
    assert production(client) == (None, [])


@pytest.mark.parametrize(
    ("variables", "who"),
    [
        ({"WHO": "ana"}, "ana"),
        ({"PIPELINE_RUN_ID": "scheduled__x"}, "Airflow run scheduled__x"),
        ({}, getpass.getuser()),
    ],
)
def test_who_decided_is_on_record(client, shared, variables, who):
    assert call(shared, ml.promote.promote, "1", **variables)["who"] == who
    assert shared.rows("select who from ops.model_promotions") == [(who,)]


def test_rollback_without_production(rollback):
    with pytest.raises(CommandError, match="no version of churn-logreg is in production"):
        rollback()


@pytest.mark.parametrize("version", ["77", "three", ""])
def test_unknown_version(promote, version):
    with pytest.raises(CommandError, match=re.escape(f"churn-logreg has no version {version!r} (registered: 1, 2, 3)")):
        promote(version)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--rollback", "--version", "1", "--why", "x"], 2, "--rollback, --hold and --unhold take no --version"),
        (["--hold", "--rollback", "--why", "x"], 2, "not allowed with argument"),
        (["--version", "1", "--why", "x"], 2, "--why goes with --force, --rollback, --hold or --unhold"),
        (["--version", "1", "--force"], 1, 'say why, it goes on record: make promote VERSION=3 WHY="..."'),
        (["--rollback", "--why", " \n"], 1, 'say why, it goes on record: make rollback WHY="..."'),
        (["--hold"], 1, 'say why, it goes on record: make hold WHY="..."'),
    ],
)
def test_refused_arguments(monkeypatch, capsys, arguments, code, says):
    monkeypatch.setattr("sys.argv", ["ml.promote", *arguments])
    with pytest.raises(SystemExit) as end:
        ml.promote.main()
    assert end.value.code == code
    assert says in capsys.readouterr().err


def test_command_line(shared, client):
    done = shared.run("ml.promote", "--version", "77")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: churn-logreg has no version '77'")
    done = shared.run("ml.promote", "--version", "1")
    assert json.loads(done.stdout.splitlines()[-1])["production_version"] == "1"


@pytest.mark.parametrize("via", ["argument", "environment"])
def test_what_a_person_types_reaches_the_record_through_make(shared, client, tmp_path, via):
    """`make` calls an interpreter that leaves `-m local` out, which would use the checkout's own stack."""
    why = """it's "half"  $HOME $(shell touch pwned) $(id) `id`; rm -rf x & a,b #c %d ñ \\n"""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$3" = runs ] || {{ shift 4; exec "{sys.executable}" -m ml.promote "$@"; }}\n')
    python.chmod(0o755)
    typed = {"VERSION": "2", "WHY": why, "WHO": "O'Higgins; $x"}
    words = [f"{name}={value}" for name, value in typed.items()] if via == "argument" else []
    env = {**os.environ, **shared.env, **({} if words else typed)}
    make = partial(subprocess.run, cwd=ROOT, env=env, capture_output=True, text=True)
    done = make(["make", "-s", f"PYTHON={python}", "promote", *words])
    assert done.returncode == 0, done.stderr
    assert shared.rows("select who, why, production_version from ops.model_promotions") == [(typed["WHO"], why, "2")]
    assert not (ROOT / "pwned").exists()
    if words:
        refused = make(["make", "-s", f"PYTHON={python}", "rollback"])
        assert refused.returncode != 0
        assert 'say why, it goes on record: make rollback WHY="..."' in refused.stderr


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


def test_alias_moved_by_hand_is_respected_and_the_stage_follows(promote, force, client, shared):
    force("2")
    force("3")
    with shared.connect() as conn:
        conn.execute("update ops.model_promotions set carried_out_at = null where production_version = '3'")
    client.set_registered_model_alias("churn-logreg", "production", "1")
    said = promote("1")
    assert said["production_version"] == "1"
    assert production(client) == ("1", ["1"])
    ((reason,),) = shared.rows("select reason from ops.model_promotions where production_version = '3'")
    assert reason.endswith("(not carried out: the alias was moved to version 1 meanwhile)")
    assert shared.rows(DECISIONS)[-1] == ("by_hand", "1", "2", "1", True)
    assert shared.rows("select who, reason from ops.model_promotions")[-1] == (
        "someone in MLflow",
        "the alias production was moved by hand to version 1, which is respected",
    )
    assert scored_by(shared) == {("2019-05-26", "1")}


def test_a_version_left_by_hand_is_not_promoted_by_itself(promote, force, rollback, client, shared):
    for version in ("1", "2", "3"):
        force(version)
    client.set_registered_model_alias("churn-logreg", "production", "2")
    said = promote("3")
    assert (said["action"], said["production_version"]) == ("keep", "2")
    assert shared.rows(DECISIONS)[3:] == [("by_hand", "2", "3", "2", True), ("keep", "3", "2", "2", True)]
    assert rollback()["production_version"] == "1"


def test_a_deleted_alias_is_set_again(promote, client, shared):
    promote("3")
    client.delete_registered_model_alias("churn-logreg", "production")
    said = promote("3")
    assert said["repaired"] == ["no version had the alias production; set to version 3, the one in stage Production"]
    assert production(client) == ("3", ["3"])
    assert shared.rows(DECISIONS)[-1] == ("by_hand", "3", "3", "3", True)


@pytest.mark.parametrize("remedy", ["delete", "archive"])
def test_a_version_in_production_that_is_deleted_or_archived(promote, force, client, shared, remedy):
    force("1")
    force("2")
    gone = register_like_3(shared, client)
    force(gone)
    if remedy == "delete":  # takes its alias and stage with it
        client.delete_model_version("churn-logreg", gone)
    else:
        client.delete_registered_model_alias("churn-logreg", "production")
        client.transition_model_version_stage("churn-logreg", gone, "Archived")
    expected = "2" if remedy == "delete" else gone
    said = promote(expected)
    assert said["repaired"] == [f"no version had the alias production; set to version {expected}, the last on record"]
    assert production(client) == (expected, [expected])


def test_a_stage_given_by_hand_without_any_alias_is_respected(promote, client, shared):
    client.transition_model_version_stage("churn-logreg", "2", "Production")
    assert promote("2")["action"] == "none"
    assert production(client) == ("2", ["2"])
    assert shared.rows(DECISIONS) == [("by_hand", "2", None, "2", True)]


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        ({"1": "Production"}, ["stage Production was given to version 1 by hand"]),
        ({"3": "Archived"}, ["stage Production was taken from version 3 by hand"]),
        (
            {"1": "Production", "3": "None"},
            [
                "stage Production was given to version 1 by hand",
                "stage Production was taken from version 3 by hand",
            ],
        ),
    ],
    ids=["two", "none", "another"],
)
def test_stages_changed_by_hand_follow_the_alias(promote, client, shared, stages, says):
    promote("3")
    for version, stage in stages.items():
        client.transition_model_version_stage("churn-logreg", version, stage)
    said = promote("3")
    assert said["repaired"] == [f"{each}; it follows the alias, which names version 3" for each in says]
    assert production(client) == ("3", ["3"])
    assert shared.rows(DECISIONS)[1:] == [("by_hand", version, "3", "3", True) for version in sorted(stages)]
    assert promote("3")["repaired"] == []


def test_a_table_of_before_is_brought_up_to_date_and_keeps_its_decisions(shared, client, promote, rollback):
    """As `make up` and `make local-up` do it, for a table whose decisions had neither holds nor a person."""
    with shared.connect() as conn:
        conn.execute("drop table ops.model_promotions")
        conn.execute(TABLE_OF_BEFORE)
    for _ in range(2):
        for script in ("60_model_tables.sql", "80_grants.sql"):
            shared.psql_file(ROOT / "docker" / "postgres" / "init" / script)
    client.set_registered_model_alias("churn-logreg", "production", "2")
    client.transition_model_version_stage("churn-logreg", "2", "Production")
    call(shared, ml.promote.hold, "as before")
    assert promote("3")["reference_version"] is None
    assert rollback()["production_version"] == "1"
    assert [row[0] for row in shared.rows(DECISIONS)] == ["promote", "keep", "promote", "hold", "keep", "rollback"]
    with pytest.raises(psycopg.errors.CheckViolation), shared.connect() as conn:
        conn.execute("update ops.model_promotions set action = 'other'")


def test_nothing_registered(database, mlflow_uri):
    """Last: it empties the registry that the other tests share."""
    forget_models(mlflow_uri)
    with pytest.raises(CommandError, match="no version of churn-logreg is registered; train one: airflow dags test"):
        call(database, ml.promote.promote, MLFLOW_TRACKING_URI=mlflow_uri)
