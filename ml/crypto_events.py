"""Bring `ops.bt_crypto_events` up to the raw crypto history: `stage`, `check`, `publish`, or all three with `run`.

The steps of one run find each other by `PIPELINE_RUN_ID` and the snapshot date.
"""

import argparse
from datetime import date
from typing import Any

from ml import cli
from ml.crypto.publish import check, publish
from ml.crypto.replay import replay
from ml.crypto.stage import stage


def run(snapshot_date: date, **flags: bool) -> dict[str, Any]:
    """All three steps, each committed before the next; raises what they raise."""
    return stage(snapshot_date, **flags) | check(snapshot_date) | publish(snapshot_date)


def main() -> None:
    """Command line: `python -m ml.crypto_events run --snapshot-date 2019-05-26`."""
    parser = argparse.ArgumentParser(prog="python -m ml.crypto_events", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for function, help_text in (
        (stage, "read, convert and judge the raw rows of the window"),
        (check, "check the contract on what is staged"),
        (publish, "insert, update and deactivate events in one transaction"),
        (run, "stage, check and publish"),
        (replay, "take corrected rejects back in"),
    ):
        step = steps.add_parser(function.__name__, help=help_text)
        step.set_defaults(step=function)
        step.add_argument("--snapshot-date", type=cli.iso_date, required=True, help="last purchase date to read")
        if function in (stage, run):
            step.add_argument("--full-refresh", action="store_true", help="read all history up to the date")
        if function in (stage, run, replay):
            step.add_argument("--force", action="store_true", help="allow an empty window and many deactivations")
    arguments = vars(parser.parse_args())
    step_function = arguments.pop("step")
    cli.run(lambda: step_function(**arguments))


if __name__ == "__main__":
    main()
