"""One weekly snapshot compared with the straightforward way: `python -m bench.snapshot --csv-dir DIR --rounds 3`.

DIR contains the six CSV files, e.g. of `make data CUSTOMERS=1000000`. Afterwards the payments before the 90 days are
doubled, to see whether the cost depends on the history. Memory is that of the client; the server does the work.
"""

import argparse
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

from bench.stack import OWNER, PASSWORDS, ROOT, fastest, owner, report, shown, stack
from ml.features import WORK_MEM, write_rows
from ml.snapshots.coverage import current_data
from ml.utils_io import connect

SNAPSHOT = date(2019, 5, 26)
INIT = ROOT / "docker" / "postgres" / "init"
BENCH = ROOT / "bench"
STRAIGHTFORWARD = ("bench.snapshot:straightforward", "bench.churn_weekly_features")
ROWS_ALONE = ("bench.snapshot:rows_alone", "features.churn_weekly_features")


def straightforward(snapshot_date: date) -> int:
    """Build the snapshot by bench/baseline_features.sql; return its rows."""
    with connect(application_name="bench") as conn:
        data = current_data(conn)
        parameters = {
            "snapshot_date": snapshot_date,
            "months_ahead": data.months_ahead(snapshot_date),
            "extraction_end": data.extraction_end,
            "evaluate_cutoff": data.evaluate_cutoff,
            "flag_means": "stayed_away",
        }
        statement = (BENCH / "baseline_features.sql").read_text(encoding="utf-8")
        return conn.execute(statement, parameters, prepare=False).rowcount


def rows_alone(snapshot_date: date) -> int:
    """Build the rows of the snapshot as ml.features does, without the checks around them; return how many."""
    with connect(application_name="bench") as conn:
        conn.execute("select set_config('work_mem', %s, true)", (WORK_MEM,))
        return write_rows(conn, current_data(conn), snapshot_date)


def run_file(env: dict[str, str], path: Path, **variables: str) -> None:
    """Run a SQL file with psql as the cluster's owner."""
    psql = Path(os.environ.get("BENCH_POSTGRES_BIN", "/usr/lib/postgresql/15/bin")) / "psql"
    connection = {"PGHOST": env["POSTGRES_HOST"], "PGPORT": env["POSTGRES_PORT"], "PGUSER": OWNER, "PGPASSWORD": OWNER}
    subprocess.run(
        [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", env["POSTGRES_DB"], "-f", str(path)],
        env={**os.environ, **connection, **PASSWORDS, "ML_PYTHON": sys.executable, **variables},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        check=True,
    )


def once(env: dict[str, str], call: str, table: str) -> dict[str, Any]:
    """Time one call after emptying `table`."""
    with owner(env) as conn:
        conn.execute(f"truncate {table}")
    return shown(env, call, str(SNAPSHOT))


def main() -> None:
    """Load, measure both in turn, compare their rows, double the history, measure again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rounds = range(arguments.rounds)
    with stack(0, []) as env:
        run_file(env, INIT / "90_load_raw.sql", CSV_DIR=str(arguments.csv_dir.resolve()))
        run_file(env, BENCH / "baseline_features_table.sql")
        both = [(once(env, *STRAIGHTFORWARD), once(env, *ROWS_ALONE)) for _ in rounds]
        run_file(env, BENCH / "compare_features.sql")
        checked = once(env, "ml.features:build", "features.churn_weekly_features")
        run_file(env, BENCH / "double_history.sql")
        doubled = fastest([once(env, *ROWS_ALONE) for _ in rounds])
    baseline, ours = fastest([first for first, _ in both]), fastest([second for _, second in both])
    print(f"{ours['result']} customers, the same rows from both")
    report("one snapshot", ours, baseline)
    report("with all its checks", checked, baseline)
    change = doubled["seconds"] / ours["seconds"] - 1
    print(f"{'history doubled':20} {'this project':16} {doubled['seconds']:8.2f} s, {change:+.1%}")


if __name__ == "__main__":
    main()
