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

import pandas as pd
import psycopg
from psycopg.rows import dict_row

from bench.stack import OWNER, ROOT, fastest, owner, report, shown, stack
from ml.features import WORK_MEM, write_rows
from ml.snapshots.coverage import current_data
from ml.utils_io import connect

SNAPSHOT = date(2019, 5, 26)
OURS, THEIRS = "features.churn_weekly_features", "bench.churn_weekly_features"
PREPARE = f"""
create schema bench;
create table {THEIRS} (like {OURS} including all);
grant usage on schema bench to meli_pipeline;
grant select, insert on {THEIRS} to meli_pipeline;
"""
SOME_ROWS = "select * from {} where customer_id % 20 = 0 order by customer_id"
# Every payment before the 90 days of the snapshot twice, in the order and with the indexes of a load.
DOUBLE_HISTORY = """
set session_replication_role = replica; -- the customers stay the same
create table bench.payments as
select payments.*
from raw.payments
cross join lateral generate_series(1, case when fecha < date '2019-05-26' - 90 then 2 else 1 end);
truncate raw.payments;
insert into raw.payments select * from bench.payments order by fecha;
drop table bench.payments;
reindex table raw.payments;
"""


def straightforward(snapshot_date: date) -> int:
    """Build the snapshot by bench/baseline_features.sql; return its rows."""
    with connect(application_name="bench") as conn:
        data = current_data(conn)
        parameters = {
            "snapshot_date": snapshot_date,
            "months_ahead": data.months_ahead(snapshot_date),
            "extraction_end": data.extraction_end,
            "payments_known_through": data.payments_known_through,
            "evaluate_cutoff": data.evaluate_cutoff,
            "flag_means": "stayed_away",
        }
        statement = Path(__file__).with_name("baseline_features.sql").read_text(encoding="utf-8")
        return conn.execute(statement, parameters, prepare=False).rowcount


def rows_alone(snapshot_date: date) -> int:
    """Build the rows of the snapshot as ml.features does, without the checks around them; return how many."""
    with connect(application_name="bench") as conn:
        conn.execute("select set_config('work_mem', %s, true)", (WORK_MEM,))
        return write_rows(conn, current_data(conn), snapshot_date).rows


def compare(conn: psycopg.Connection) -> None:
    """Fail if the two sides differ in a row of every twentieth customer; ratios agree to nine digits."""
    cursor = conn.cursor(row_factory=dict_row)
    ours, theirs = (pd.DataFrame(cursor.execute(SOME_ROWS.format(table)).fetchall()) for table in (OURS, THEIRS))
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-9, atol=0)


def once(env: dict[str, str], call: str, table: str = OURS) -> dict[str, Any]:
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
        libpq = {"PGHOST": env["POSTGRES_HOST"], "PGPORT": env["POSTGRES_PORT"], "PGUSER": OWNER, "PGPASSWORD": OWNER}
        libpq |= {"PGDATABASE": env["POSTGRES_DB"], "CSV_DIR": str(arguments.csv_dir.resolve())}
        subprocess.run(
            [sys.executable, "-m", "ml.load"],
            env={**os.environ, **env, **libpq},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        with owner(env) as conn:
            conn.execute(PREPARE)
            both = [
                (once(env, "bench.snapshot:straightforward", THEIRS), once(env, "bench.snapshot:rows_alone"))
                for _ in rounds
            ]
            compare(conn)
            checked = once(env, "ml.features:build")
            conn.execute(DOUBLE_HISTORY)
            conn.execute("vacuum analyze raw.payments")
        doubled = fastest([once(env, "bench.snapshot:rows_alone") for _ in rounds])
    baseline, ours = fastest([first for first, _ in both]), fastest([second for _, second in both])
    if ours["result"] != baseline["result"]:
        raise RuntimeError(f"the two sides differ: {baseline['result']} and {ours['result']} customers")
    print(f"{ours['result']} customers, the same rows from both")
    report("one snapshot", ours, baseline)
    report("with all its checks", checked, baseline)
    change = doubled["seconds"] / ours["seconds"] - 1
    print(f"{'history doubled':20} {'this project':16} {doubled['seconds']:8.2f} s, {change:+.1%}")


if __name__ == "__main__":
    main()
