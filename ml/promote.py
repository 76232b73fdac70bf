"""Decide which version of `churn-logreg` is in production, carry it out in MLflow, and keep the decision on record."""

import argparse
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import psycopg
from mlflow.tracking import MlflowClient

from ml import cli
from ml.model_config import MODEL_NAME
from ml.settings import settings
from ml.store import registry
from ml.training.comparison import compare
from ml.utils_io import connect, one_at_a_time

RETRAIN = "train one: airflow dags test churn_train_register_m YYYY-MM-DD"

# The version that was in production when this one was promoted last. Rollbacks do not count: a second one
# goes back to the version before.
REPLACED_VERSION = """
select champion_version
from ops.model_promotions
where action = 'promote' and production_version = %(version)s and champion_version is not null
order by promotion_id desc
limit 1
"""
# Whether the champion was already kept against the same challenger, on the same rows and for the same reason.
SAME_DECISION = """
select 1
from ops.model_promotions
where action = 'keep' and challenger_version = %(challenger_version)s and champion_version = %(champion_version)s
    and evaluation_digest is not distinct from %(evaluation_digest)s and reason = %(reason)s
limit 1
"""
# When a rollback replaced this version, if it has not been promoted since.
ROLLED_BACK_FROM = """
select decided_at
from ops.model_promotions as decision
where action = 'rollback' and champion_version = %(version)s
    and not exists (
        select from ops.model_promotions as later
        where later.action = 'promote' and later.production_version = %(version)s
            and later.promotion_id > decision.promotion_id
    )
order by promotion_id desc
limit 1
"""
INSERT_DECISION = """
insert into ops.model_promotions (
    action, challenger_version, champion_version, production_version, reason, evaluation_digest, heldout_rows,
    challenger_roc_auc, champion_roc_auc, challenger_log_loss, champion_log_loss, run_id
)
values (
    %(action)s, %(challenger_version)s, %(champion_version)s, %(production_version)s, %(reason)s,
    %(evaluation_digest)s, %(heldout_rows)s, %(challenger_roc_auc)s, %(champion_roc_auc)s,
    %(challenger_log_loss)s, %(champion_log_loss)s, %(run_id)s
)
returning promotion_id
"""
OPEN_DECISIONS = """
select promotion_id, champion_version, production_version
from ops.model_promotions
where carried_out_at is null
order by promotion_id
"""
MARK_CARRIED_OUT = """
update ops.model_promotions
set carried_out_at = now(), reason = reason || %(note)s
where promotion_id = %(promotion_id)s
"""


@dataclass(frozen=True)
class Decision:
    """One row of ops.model_promotions, before it is carried out."""

    action: str
    challenger_version: str
    champion_version: str | None
    production_version: str
    reason: str
    evaluation_digest: str | None = None
    heldout_rows: int | None = None
    challenger_roc_auc: float | None = None
    champion_roc_auc: float | None = None
    challenger_log_loss: float | None = None
    champion_log_loss: float | None = None


def promote(version: str | None = None, *, force: bool = False) -> dict[str, Any]:
    """Compare `version` (none: the newest) with the one in production and promote it unless it is worse.

    Raises:
        CommandError: nothing is registered, or not that version.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """

    def decide(conn: psycopg.Connection, client: MlflowClient) -> Decision | None:
        challenger = registry.newest(client) if version is None else registry.get(client, version)
        if challenger is None:
            raise cli.CommandError(f"no version of {MODEL_NAME} is registered; {RETRAIN}")
        current = registry.production_version(client)
        if current == challenger.version:
            return None
        if current is None:
            return Decision("promote", challenger.version, None, challenger.version, "first version in production")
        if force:
            reason = "promoted by hand, not compared"
            return Decision("promote", challenger.version, current, challenger.version, reason)
        decision = _judge(conn, challenger, registry.get(client, current))
        on_record = decision.action == "keep" and conn.execute(SAME_DECISION, asdict(decision)).fetchone()
        return None if on_record else decision

    return _run(decide)


def rollback() -> dict[str, Any]:
    """Bring back the version that the one in production replaced.

    Raises:
        CommandError: nothing is in production, or it replaced nothing.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """

    def decide(conn: psycopg.Connection, client: MlflowClient) -> Decision:
        current = registry.production_version(client)
        if current is None:
            raise cli.CommandError(f"no version of {MODEL_NAME} is in production; {RETRAIN}")
        found = conn.execute(REPLACED_VERSION, {"version": current}).fetchone()
        if found is None:
            raise cli.CommandError(f"{MODEL_NAME} version {current} replaced no other; there is nothing to go back to")
        previous = registry.get(client, found[0])
        reason = f"rolled back from version {current} by hand"
        return Decision("rollback", previous.version, current, previous.version, reason)

    return _run(decide)


def _run(decide: Any) -> dict[str, Any]:
    """Decide and carry out while no other promotion runs; first finish what a killed run has left."""
    with registry.session() as client, one_at_a_time("ml.promote"), connect(application_name="ml.promote") as conn:
        conn.autocommit = True  # decisions are committed before MLflow is changed
        repaired = _repair(conn, client)
        decision = decide(conn, client)
        if decision is not None:
            _carry_out(conn, client, decision)
        production = registry.production_version(client)
    said = asdict(decision) if decision else {"action": "none", "reason": f"version {production} is in production"}
    return {"production_version": production, "repaired": repaired, **said}


def _judge(conn: psycopg.Connection, challenger: registry.ChurnVersion, champion: registry.ChurnVersion) -> Decision:
    keep = partial(Decision, "keep", challenger.version, champion.version, champion.version)
    promote = partial(Decision, "promote", challenger.version, champion.version, challenger.version)
    by_hand = f"to promote it all the same: python -m ml.promote --version {challenger.version} --force"
    ours, theirs = challenger.training_snapshots[-1], champion.training_snapshots[-1]
    if ours < theirs:
        return keep(f"trained on snapshots up to {ours}, the one in production up to {theirs}; {by_hand}")
    if withdrawn := conn.execute(ROLLED_BACK_FROM, {"version": challenger.version}).fetchone():
        return keep(f"rolled back from on {withdrawn[0]:%Y-%m-%d}; {by_hand}")
    worse, found = compare(conn, challenger, champion)
    return (keep if worse else promote)(**found)


def _carry_out(conn: psycopg.Connection, client: MlflowClient, decision: Decision) -> None:
    """Record, act, then mark as done: if the run is killed in between, `_repair` finds the row."""
    row = {**asdict(decision), "run_id": settings().pipeline_run_id}
    ((promotion_id,),) = conn.execute(INSERT_DECISION, row).fetchall()
    if decision.action != "keep":
        registry.set_production(client, decision.production_version)
    conn.execute(MARK_CARRIED_OUT, {"promotion_id": promotion_id, "note": ""})


def _repair(conn: psycopg.Connection, client: MlflowClient) -> list[str]:
    """Carry out recorded decisions that are still open, and let the stage follow the alias; return what was done."""
    done = []
    for promotion_id, champion, wanted in conn.execute(OPEN_DECISIONS).fetchall():
        current, note = registry.production_version(client), ""
        if current == champion and current != wanted:
            registry.set_production(client, wanted)
            done.append(f"alias set to version {wanted}, as decided in promotion {promotion_id}")
        elif current != wanted:
            note = f" (not carried out: the alias was moved to version {current} meanwhile)"
        conn.execute(MARK_CARRIED_OUT, {"promotion_id": promotion_id, "note": note})
    changed = registry.follow_alias(client)
    return done + [f"stage of version {version} follows the alias" for version in changed]


def main() -> None:
    """Command line: `python -m ml.promote [--version 3] [--force]`, or `python -m ml.promote --rollback`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="version to promote (default: the newest)")
    parser.add_argument("--force", action="store_true", help="promote without comparing")
    parser.add_argument("--rollback", action="store_true", help="bring back the version before the one in production")
    arguments = parser.parse_args()
    if arguments.rollback and (arguments.version or arguments.force):
        parser.error("--rollback takes no other argument")
    if arguments.rollback:
        cli.run(rollback)
    cli.run(lambda: promote(arguments.version, force=arguments.force))


if __name__ == "__main__":
    main()
