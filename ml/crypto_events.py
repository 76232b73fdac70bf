"""Bring `ops.bt_crypto_events` up to the raw crypto history: `stage`, `check`, `publish`, or all three with `run`.

The steps of one run find each other by `PIPELINE_RUN_ID` and the snapshot date.
"""

import argparse
from typing import Any

from ml.cli import iso_date, run
from ml.crypto.publish import check, publish
from ml.crypto.replay import replay
from ml.crypto.stage import Request, stage


def _all_steps(request: Request) -> dict[str, Any]:
    return {**stage(request), **check(request.snapshot_date), **publish(request.snapshot_date)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.crypto_events", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, help_text in {
        "stage": "read, convert and judge the raw rows of the window",
        "check": "check the contract on what is staged",
        "publish": "insert, update and deactivate events, in one transaction",
        "run": "stage, check and publish",
        "replay": "take mended rejects back in",
    }.items():
        step = steps.add_parser(name, help=help_text)
        step.add_argument("--snapshot-date", type=iso_date, required=True, help="last purchase date to read")
        if name in ("stage", "run"):
            step.add_argument("--full-refresh", action="store_true", help="read all history up to the date")
        if name in ("stage", "run", "replay"):
            step.add_argument("--force", action="store_true", help="allow an empty window and many deactivations")
    return parser.parse_args()


def _command(arguments: argparse.Namespace) -> dict[str, Any]:
    match arguments.step:
        case "check":
            return check(arguments.snapshot_date)
        case "publish":
            return publish(arguments.snapshot_date)
        case "replay":
            return replay(Request(arguments.snapshot_date, force=arguments.force))
    request = Request(arguments.snapshot_date, arguments.full_refresh, arguments.force)
    return stage(request) if arguments.step == "stage" else _all_steps(request)


if __name__ == "__main__":
    parsed = _arguments()
    run(lambda: _command(parsed))
