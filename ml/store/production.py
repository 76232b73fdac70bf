"""Keeps MLflow's alias and stage in step with the decisions on record, whoever moved them."""

import psycopg
from mlflow.tracking import MlflowClient

from ml.model_config import PRODUCTION_ALIAS, PRODUCTION_STAGE
from ml.store import promotions, registry
from ml.store.promotions import Decision

CHANGES = ("promote", "rollback")  # decisions that put another version into production
TURNED_DOWN = ("keep", "inconclusive")  # on record once for the same rows and reason
SOMEONE = "someone in MLflow"  # which does not say who


def carry_out(conn: psycopg.Connection, client: MlflowClient, decision: Decision) -> None:
    """Record, act, then mark as done: if the run is killed in between, `put_in_order` finds the row."""
    if decision.action == "none" or (decision.action in TURNED_DOWN and promotions.is_on_record(conn, decision)):
        return
    promotion_id = promotions.record(conn, decision)
    if decision.action in CHANGES:
        registry.set_production(client, str(decision.production_version))
    promotions.close(conn, promotion_id)


def put_in_order(conn: psycopg.Connection, client: MlflowClient) -> list[str]:
    """Finish what a killed run has left, then respect and record what was changed by hand; return what was done."""
    return _finish_killed_runs(conn, client) + _respect_alias(conn, client) + _correct_stages(conn, client)


def _finish_killed_runs(conn: psycopg.Connection, client: MlflowClient) -> list[str]:
    done = []
    for promotion_id, champion, wanted in promotions.not_carried_out(conn):
        current, note = registry.production_version(client), ""
        if current == champion and current != wanted:
            registry.set_production(client, wanted)
            done.append(f"alias set to version {wanted}, as decided in promotion {promotion_id}")
        elif current != wanted:
            note = f" (not carried out: the alias was moved to version {current} meanwhile)"
        else:
            done += [f"stage of version {version} follows the alias" for version in registry.follow_alias(client)]
        promotions.close(conn, promotion_id, note)
    return done


def _respect_alias(conn: psycopg.Connection, client: MlflowClient) -> list[str]:
    """An alias that was moved by hand is the truth. One that was deleted is set again: something must be in production.

    It is set to the only version in stage Production, else to the last on record that is still registered.
    """
    history, found = promotions.history(conn), registry.production_version(client)
    if found is not None:
        if found == history.production:
            return []
        said = f"the alias {PRODUCTION_ALIAS} was moved by hand to version {found}, which is respected"
    else:
        registered = registry.by_number(client)
        staged = [version for version, known in registered.items() if known.stage == PRODUCTION_STAGE]
        on_record = [version for version in history.standing if version in registered]
        found = staged[0] if len(staged) == 1 else next(reversed(on_record), None)
        if found is None:
            return []
        said = f"no version had the alias {PRODUCTION_ALIAS}; set to version {found}, " + (
            f"the one in stage {PRODUCTION_STAGE}" if found in staged else "the last on record"
        )
    promotion_id = promotions.record(conn, Decision("by_hand", said, found, history.production, found, SOMEONE))
    registry.set_production(client, found)
    promotions.close(conn, promotion_id)
    return [said]


def _correct_stages(conn: psycopg.Connection, client: MlflowClient) -> list[str]:
    """Stages that were changed by hand follow the alias, so that one version is in stage Production."""
    current, done = registry.production_version(client), []
    for version in registry.follow_alias(client):
        was = "was taken from" if version == current else "was given to"
        said = f"stage {PRODUCTION_STAGE} {was} version {version} by hand; it follows the alias, which names "
        said += f"version {current}" if current else "none"
        promotions.close(conn, promotions.record(conn, Decision("by_hand", said, version, current, current, SOMEONE)))
        done.append(said)
    return done
