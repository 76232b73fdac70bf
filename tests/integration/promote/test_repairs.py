"""`python -m ml.promote` after a kill, after what was changed by hand in MLflow, and on the table of before."""

import psycopg
import pytest

import ml.promote
from tests.integration.churn_rows import call, production
from tests.integration.conftest import ROOT
from tests.integration.faults import Running
from tests.integration.promotions import DECISIONS, register_like_3, scored_by

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
