"""Decide which version of `churn-logreg` is in production, carry it out in MLflow, and keep the decision on record."""

import argparse
import getpass
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from mlflow.tracking import MlflowClient

from ml import cli
from ml.model_config import MODEL_NAME
from ml.scoring.again import score_newest
from ml.settings import settings
from ml.store import production, promotions, registry
from ml.store.promotions import Decision, History
from ml.training.comparison import judge, plain_figures, score_heldout
from ml.training.dataset import digest
from ml.utils_io import connect, one_at_a_time

RETRAIN = "train one: airflow dags test churn_train_register_m YYYY-MM-DD"
Decide = Callable[[psycopg.Connection, MlflowClient, History], Decision]


def promote(version: str | None = None) -> dict[str, Any]:
    """Compare `version` (none: the newest) with the best so far, and promote it if it is shown to be no worse.

    Raises:
        CommandError: nothing is registered, or not that version.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """

    def decide(conn: psycopg.Connection, client: MlflowClient, history: History) -> Decision:
        challenger, current = _challenger(client, version), history.production
        if current == challenger.version:
            return _nothing(f"version {current} is in production", current)
        if history.held:
            reason = f"{history.held}; to end this: make unhold"
            return Decision("keep", reason, challenger.version, current, current, _who())
        if current is None:
            reason = "first version in production"
            return Decision("promote", reason, challenger.version, None, challenger.version, _who())
        return _judge(conn, client, history, challenger, current)

    return _run(decide)


def promote_by_hand(version: str | None, why: str, who: str = "") -> dict[str, Any]:
    """Put `version` (none: the newest) into production without a comparison. Raises what `promote` does.

    Raises:
        CommandError: no reason is given, or promotions are on hold.
    """
    why = _stated(why, 'make promote VERSION=3 WHY="..."')

    def decide(conn: psycopg.Connection, client: MlflowClient, history: History) -> Decision:
        challenger, current = _challenger(client, version), history.production
        if current == challenger.version:
            return _nothing(f"version {current} is in production", current)
        if history.held:
            raise cli.CommandError(f"promotions are {history.held}; end this first: make unhold")
        reason = f"promoted by hand, not compared: {why}"
        return Decision("promote", reason, challenger.version, current, challenger.version, _who(who), why)

    return _run(decide)


def rollback(why: str, who: str = "") -> dict[str, Any]:
    """Withdraw the version in production, and bring back the newest before it that is not withdrawn.

    Raises:
        CommandError: no reason is given, nothing is in production, or nothing is left to go back to.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    why = _stated(why, 'make rollback WHY="..."')

    def decide(conn: psycopg.Connection, client: MlflowClient, history: History) -> Decision:
        current = history.production
        if current is None:
            raise cli.CommandError(f"no version of {MODEL_NAME} is in production; {RETRAIN}")
        registered = registry.by_number(client)
        earlier = [version for version in history.standing if version in registered and version != current]
        if not earlier:
            raise cli.CommandError(
                f"there is nothing to go back to: no version was in production before {MODEL_NAME} version {current}"
                " and is registered and not withdrawn"
            )
        reason = f"rolled back from version {current} by hand: {why}"
        return Decision("rollback", reason, earlier[-1], current, earlier[-1], _who(who), why)

    return _run(decide)


def hold(why: str, who: str = "") -> dict[str, Any]:
    """Stop promotions until `unhold`; a rollback stays possible.

    Raises:
        CommandError: no reason is given.
        TryLater: PostgreSQL or MLflow cannot be reached.
    """
    why = _stated(why, 'make hold WHY="..."')
    return _run(
        lambda conn, client, history: Decision(
            "hold", f"promotions are held: {why}", None, history.production, history.production, _who(who), why
        )
    )


def unhold(why: str = "", who: str = "") -> dict[str, Any]:
    """End a hold; without one, nothing happens. Raises TryLater if PostgreSQL or MLflow cannot be reached."""
    why = _one_line(why)

    def decide(conn: psycopg.Connection, client: MlflowClient, history: History) -> Decision:
        current = history.production
        if not history.held:
            return _nothing("promotions are not on hold", current)
        reason = f"promotions go on{why and f': {why}'}"
        return Decision("unhold", reason, None, current, current, _who(who), why or None)

    return _run(decide)


def _run(decide: Decide) -> dict[str, Any]:
    """Decide and carry out while no other promotion runs; first put in order what a killed run or a hand has left."""
    with registry.session() as client, one_at_a_time("ml.promote"), connect(application_name="ml.promote") as conn:
        conn.autocommit = True  # decisions are committed before MLflow is changed
        repaired = production.put_in_order(conn, client)
        decision = decide(conn, client, promotions.history(conn))
        production.carry_out(conn, client, decision)
        current = registry.production_version(client)
        scored_again = score_newest(conn, current, has_changed=bool(repaired) or decision.action in production.CHANGES)
    return {"production_version": current, "repaired": repaired, "scored_again": scored_again, **decision.told}


def _judge(
    conn: psycopg.Connection, client: MlflowClient, history: History, challenger: registry.ChurnVersion, current: str
) -> Decision:
    decide = partial(Decision, challenger_version=challenger.version, champion_version=current, who=_who())
    keep, registered = partial(decide, "keep", production_version=current), registry.by_number(client)
    by_hand = f'to promote it all the same: make promote VERSION={challenger.version} WHY="..."'
    if withdrawn_at := history.withdrawn.get(challenger.version):
        return keep(reason=f"rolled back from on {withdrawn_at:%Y-%m-%d}; {by_hand}")
    if challenger.version in history.stack:
        return keep(reason=f"was in production before version {current}; {by_hand}")
    newest, known = challenger.training_snapshots[-1], registered[current].training_snapshots[-1]
    if newest < known:
        return keep(reason=f"trained on snapshots up to {newest}, the one in production up to {known}; {by_hand}")
    candidates = [registered[version] for version in history.standing if version in registered]
    rows, scored, others = score_heldout(conn, challenger, candidates)
    if not others:
        reason = "not compared: no earlier version can be scored any more"
        return decide("promote", reason=reason, production_version=challenger.version)
    judgement = judge(rows, scored, others)
    churned = rows["labeled_churn"].to_numpy()
    plain = {each.version: plain_figures(churned, each) for each in (scored, *others) if judgement.figures}
    ours, theirs = plain.get(challenger.version, {}), plain.get(current, {})
    return decide(
        judgement.action,
        reason=judgement.reason,
        production_version=challenger.version if judgement.action == "promote" else current,
        reference_version=judgement.reference,
        figures={name: compared.row for name, compared in judgement.figures.items()},
        evaluation_digest=digest(rows),
        heldout_rows=len(rows),
        challenger_roc_auc=ours.get("roc_auc"),
        champion_roc_auc=theirs.get("roc_auc"),
        challenger_log_loss=ours.get("log_loss"),
        champion_log_loss=theirs.get("log_loss"),
    )


def _challenger(client: MlflowClient, version: str | None) -> registry.ChurnVersion:
    challenger = registry.newest(client) if version is None else registry.get(client, version)
    if challenger is None:
        raise cli.CommandError(f"no version of {MODEL_NAME} is registered; {RETRAIN}")
    return challenger


def _nothing(reason: str, current: str | None) -> Decision:
    return Decision("none", reason, None, current, current, _who())


def _who(person: str = "") -> str:
    """The person named, else WHO, else the Airflow run, else the user of this process."""
    run_id = settings().pipeline_run_id
    return person or settings().who or (getpass.getuser() if run_id == "shell" else f"Airflow run {run_id}")


def _one_line(text: str) -> str:
    return " ".join(text.splitlines()).strip()


def _stated(why: str, command: str) -> str:
    """`why` in one line.

    Raises:
        CommandError: it is empty.
    """
    if not (line := _one_line(why)):
        raise cli.CommandError(f"say why, it goes on record: {command}")
    return line


def main() -> None:
    """Command line: `python -m ml.promote [--version 3]`, or one of `--force --rollback --hold --unhold`, by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="version to promote (default: the newest)")
    by_hand = parser.add_mutually_exclusive_group()
    by_hand.add_argument("--force", action="store_true", help="promote by hand, without comparing")
    by_hand.add_argument("--rollback", action="store_true", help="bring back the version before the one in production")
    by_hand.add_argument("--hold", action="store_true", help="stop promotions")
    by_hand.add_argument("--unhold", action="store_true", help="let them go on")
    parser.add_argument("--why", help="reason for what is done by hand; goes on record")
    parser.add_argument("--who", default="", help="who does it (default: WHO, else the user)")
    arguments = parser.parse_args()
    is_by_hand = arguments.force or arguments.rollback or arguments.hold or arguments.unhold
    if arguments.version is not None and is_by_hand and not arguments.force:
        parser.error("--rollback, --hold and --unhold take no --version")
    if arguments.why is not None and not is_by_hand:
        parser.error("--why goes with --force, --rollback, --hold or --unhold")
    why, who = arguments.why or "", arguments.who
    if arguments.force:
        cli.run(lambda: promote_by_hand(arguments.version, why, who))
    elif arguments.rollback:
        cli.run(lambda: rollback(why, who))
    elif arguments.hold:
        cli.run(lambda: hold(why, who))
    elif arguments.unhold:
        cli.run(lambda: unhold(why, who))
    else:
        cli.run(lambda: promote(arguments.version))


if __name__ == "__main__":
    main()
