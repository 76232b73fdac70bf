"""Bring `ops.bt_crypto_events` up to the raw crypto history: `stage`, `check`, `publish`, or all three with `run`.

The steps of one run find each other by `PIPELINE_RUN_ID` and the snapshot date.
"""

import argparse
from collections.abc import Callable
from typing import Any

from ml import cli
from ml.crypto.publish import check, publish
from ml.crypto.replay import replay
from ml.crypto.stage import Request, stage


def run(request: Request) -> dict[str, Any]:
    """All three steps, each committed before the next; raises what they raise."""
    return {**stage(request), **check(request.snapshot_date), **publish(request.snapshot_date)}


STEPS: dict[str, tuple[Callable[[Request], dict[str, Any]], str]] = {
    "stage": (stage, "read, convert and judge the raw rows of the window"),
    "check": (lambda asked: check(asked.snapshot_date), "check the contract on what is staged"),
    "publish": (lambda asked: publish(asked.snapshot_date), "insert, update and deactivate events in one transaction"),
    "run": (run, "stage, check and publish"),
    "replay": (replay, "take corrected rejects back in"),
}


def main() -> None:
    """Command line: `python -m ml.crypto_events run --snapshot-date 2019-05-26`."""
    parser = argparse.ArgumentParser(prog="python -m ml.crypto_events", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name, (_, help_text) in STEPS.items():
        step = steps.add_parser(name, help=help_text)
        step.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="last purchase date to read")
        step.set_defaults(full_refresh=False, force=False)
        if name in ("stage", "run"):
            step.add_argument("--full-refresh", action="store_true", help="read all history up to the date")
        if name in ("stage", "run", "replay"):
            step.add_argument("--force", action="store_true", help="allow an empty window and many deactivations")
    arguments = parser.parse_args()
    step_function, _ = STEPS[arguments.step]
    cli.run(lambda: step_function(Request(arguments.snapshot_date, arguments.full_refresh, arguments.force)))


if __name__ == "__main__":
    main()
