"""`python -m ml.promote`: what is promoted, kept out, rolled back and held, and who decided it, on record."""

import getpass
import json
import os
import re
import subprocess
import sys
from datetime import date
from functools import partial

import mlflow
import pytest

import ml.promote
from ml.cli import CommandError
from ml.infer_batch import score
from ml.promotion_policy import LIMITS
from tests.integration.churn_rows import call, fill, forget_models, production, scores
from tests.integration.conftest import ROOT
from tests.integration.promotions import DECISIONS, WHY, register_like_3, scored_by


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


def test_nothing_registered(database, mlflow_uri):
    """Last: it empties the registry that the other tests share."""
    forget_models(mlflow_uri)
    with pytest.raises(CommandError, match="no version of churn-logreg is registered; train one: airflow dags test"):
        call(database, ml.promote.promote, MLFLOW_TRACKING_URI=mlflow_uri)
