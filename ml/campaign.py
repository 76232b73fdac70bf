"""Create a campaign with a control arm, write the file of whom to contact, and say what it came to."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml import cli
from ml.campaigns import create as creating
from ml.campaigns import results as measuring
from ml.campaigns.candidates import CATEGORIES, Segment
from ml.campaigns.export import contacts
from ml.campaigns.listing import campaigns
from ml.campaigns.profit import Assumptions
from ml.utils_io import connect


def create(request: creating.Request) -> dict[str, Any]:
    """Choose the customers, assign them to contact and control, and record the campaign; return the counts.

    Raises:
        CommandError: no scores, other scores than the person saw, nobody to contact, too few for both arms, or the name
            is taken.
        TryLater: PostgreSQL cannot be reached.
    """
    return creating.create(request)


def results(name: str) -> dict[str, Any]:
    """What a campaign came to, with the payments loaded now. Raises CommandError if there is none of this name."""
    with connect(application_name="ml.campaign results") as conn:
        return asdict(measuring.results(conn, name))


def export(name: str, file: Path) -> dict[str, Any]:
    """Write the customers to contact into a CSV file, which must not exist.

    Raises:
        CommandError: there is no campaign of this name, or the file exists or cannot be written.
    """
    with connect(application_name="ml.campaign export") as conn:
        pieces = contacts(conn, name)
        first = next(pieces)  # before the file is made: the campaign may not exist
        try:
            with file.open("xb") as out:
                out.write(first)
                out.writelines(pieces)
        except OSError as error:
            raise cli.CommandError(f"{file} is not written: {error.strerror}; name another file") from error
    return {"campaign": name, "file": str(file), "bytes": file.stat().st_size}


def listing() -> dict[str, Any]:
    """The campaigns on record, the newest first."""
    with connect(application_name="ml.campaign list") as conn:
        return {"campaigns": campaigns(conn)}


def request(arguments: argparse.Namespace) -> creating.Request:
    """The request that the command line states. Raises CommandError if a value is outside its range."""
    stated = vars(arguments)
    conditions: dict[str, Any] = {name: tuple(stated[name]) for name in CATEGORIES}
    conditions |= {name: stated[name] for name in ("min_score", "max_score", "min_spent_90d")}
    assumed = {name: stated[name] for name in Assumptions.__dataclass_fields__}
    others = ("name", "snapshot_date", "control_share", "customers", "starts_on", "scoring_run_id", "who")
    return creating.Request(
        segment=Segment(**conditions),
        assumptions=Assumptions(**assumed),
        **{name: stated[name] for name in others},
    )


def main() -> None:
    """Command line: `python -m ml.campaign create|results|export|list`."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("create", help="choose customers, draw the arms, record both")
    made.add_argument("--name", required=True)
    made.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="snapshot whose scores are used")
    made.add_argument("--contact-cost", type=float, required=True, help="pesos a contact")
    made.add_argument("--offer-cost", type=float, required=True, help="pesos an offer, taken by whoever stays")
    made.add_argument("--save-rate", type=float, required=True, help="share of those who would leave that it keeps")
    made.add_argument("--margin", type=float, required=True, help="worth of a kept customer, as a share of spent_90d")
    made.add_argument("--budget", type=float, help="pesos that the contacts may cost as expected")
    made.add_argument("--capacity", type=int, help="customers that can be contacted")
    made.add_argument(
        "--customers", type=int, help="how many to choose, both arms (default: the most profitable number)"
    )
    made.add_argument("--control-share", type=float, required=True, help="share that is not contacted, between 0 and 1")
    made.add_argument("--starts-on", type=cli.iso_date, help="first day (default: the snapshot date)")
    for category in ("--estado", "--tarjetas", "--rango-edad"):
        made.add_argument(category, action="append", default=[], help="only these customers; may be repeated")
    for bound in ("--min-score", "--max-score", "--min-spent-90d"):
        made.add_argument(bound, type=float)
    made.add_argument("--scoring-run-id", type=int, help="refuse if the snapshot has other scores by now")
    made.add_argument("--who", default="", help="who creates it (default: WHO, else the user)")
    told = commands.add_parser("results", help="churn, spend and profit by arm")
    told.add_argument("--name", required=True)
    written = commands.add_parser("export", help="write the customers to contact into a CSV file")
    written.add_argument("--name", required=True)
    written.add_argument("--out", type=Path, required=True, help="file to write; it must not exist")
    commands.add_parser("list", help="campaigns on record")
    arguments = parser.parse_args()
    if arguments.command == "create":
        cli.run(lambda: create(request(arguments)))
    elif arguments.command == "results":
        cli.run(lambda: results(arguments.name))
    elif arguments.command == "export":
        cli.run(lambda: export(arguments.name, arguments.out))
    else:
        cli.run(listing)


if __name__ == "__main__":
    main()
