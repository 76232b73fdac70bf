"""Every step of the pipeline at several sizes: `python -m bench.scale --customers 100000 1000000 10000000`.

For each size: generate the files, load them, build one snapshot and the four closed Sundays before it, train on these,
promote (which scores the newest snapshot), score another snapshot, monitor. PostgreSQL has the settings of the compose
file, a step a process of its own. Seconds are those of the call, without the start of Python. At the end: seconds,
memory beside the compose file's limits, and the exponents of growth. Fails if a row was lost or a limit exceeded.

--csv-dir keeps the files of each size in a folder below it, and takes them from there the next time. --cgroup names the
folder of a cgroup in which groups with the limits of the compose file are made, so that what exceeds one is killed;
without it, peaks are compared with the limits. Ten million customers take an hour or more and about 44 GB below TMPDIR.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from bench import compose
from bench.growth import MB, Figures, Measured, Step, faster_than, line, table, too_large
from bench.memory import cpu_seconds_of_sessions, join, limited, server_processes, watched
from bench.stack import libpq, owner, stack, timed
from ml import load as loading
from ml.features import snapshots_for_training
from ml.settings import settings
from ml.utils_io import connect
from sample_data import generate as generator
from sample_data.outputs import MANIFEST
from sample_data.periods import DEFAULT_UNTIL

SIZES = (100_000, 1_000_000, 10_000_000)
SEED = 2019
TARGET = 1.05  # exponent of growth
NEWEST, TRAINED_ON, LOOKBACK = date(2019, 6, 30), date(2019, 5, 26), 4
SCORED = date(2019, 4, 28)  # closed, so that monitoring measures it too
# Bytes a customer. With a million, the files take 1,010 and about half as much again while they are written, and the
# database 3,430; sorts and the rows of the snapshot that is being built come on top.
FILES, WRITING_FILES, DATABASE = 1_050, 1_600, 4_000
WRITE_AHEAD_LOG = 4 * 2**30


STEPS = (
    Step("generate", None, "bench.scale:generate"),
    Step("load", "db-init", "bench.scale:load"),
    Step("one snapshot", "airflow-scheduler", "ml.features:build", (str(NEWEST),)),
    Step("four snapshots", "airflow-scheduler", "bench.scale:closed_sundays"),
    Step("train", "airflow-scheduler", "ml.train:train", (str(TRAINED_ON), str(LOOKBACK))),
    Step("promote and score", "airflow-scheduler", "ml.promote:promote"),
    Step("score", "airflow-scheduler", "ml.scoring.snapshot:score", (str(SCORED), "0")),
    Step("monitor", "airflow-scheduler", "ml.monitoring.snapshot+ml.monitor:monitor", (str(NEWEST),)),
)


# What must be equal at the end of a size: (what, how many there should be, how many there are).
NOTHING_LOST = """
select file_name || ', rows loaded or rejected', rows_in_file, rows_loaded + rows_rejected
from ops.raw_loads where status = 'loaded'
union all
select 'payments', rows_loaded, (select count(*) from raw.payments)
from ops.raw_loads where status = 'loaded' and table_name = 'raw.payments'
union all
select 'customers with a payment', (select count(*) from raw.evaluate), (select count(*) from staging.customers)
union all
select
    'features at ' || build.snapshot_date, (
        select count(*) from staging.customers where first_payment_date < build.snapshot_date
    ), (
        select count(*) from features.churn_weekly_features where snapshot_date = build.snapshot_date
    )
from ops.current_feature_builds as build
union all
select
    'scores at ' || run.snapshot_date, rows_built - rows_inactive_60d, (
        select count(*) from ops.churn_scoring where snapshot_date = run.snapshot_date
    )
from ops.scoring_runs as run
join ops.current_feature_builds as build using (snapshot_date)
where run.replaced_at is null
union all
select 'realized at ' || snapshot_dates[1], count(*), max(rows_measured)
from ops.model_metrics
join features.usable_rows(snapshot_dates, 60, null) on true
where kind = 'realized' and slice = 'all' and metric = 'brier'
group by snapshot_dates
"""
LOADED = "select rows_loaded + rows_rejected from ops.raw_loads where status = 'loaded' and file_name = %s"


def generate(customers: int) -> None:
    """Write the files into CSV_DIR."""
    generator.generate(generator.Request(customers, SEED, DEFAULT_UNTIL), Path(settings().csv_dir))


def load() -> None:
    """Load every file of CSV_DIR."""
    sys.argv = ["ml.load"]
    if loading.main() != 0:
        raise SystemExit("not loaded, see above")


def closed_sundays() -> list[date]:
    """Build the snapshots that `train` takes."""
    with connect(application_name="bench.scale") as conn:
        conn.autocommit = True
        closed, _ = snapshots_for_training(conn, TRAINED_ON, LOOKBACK)
    return closed


def lost(conn: psycopg.Connection, in_files: dict[str, int]) -> list[str]:
    """What is missing or too many in the database, beside the rows in the files."""
    counts = [(f"{name}, rows in the file", rows, _value(conn, LOADED, name)) for name, rows in in_files.items()]
    counts += conn.execute(NOTHING_LOST).fetchall()
    return [f"{what}: {found} instead of {expected}" for what, expected, found in counts if found != expected]


def run_size(customers: int, csv_dir: Path, cgroup: Path | None, *, keep_files: bool) -> Figures:
    """Run every step with so many customers in a cluster of its own; print each as it ends.

    The files in `csv_dir` are deleted after the load unless `keep_files`.

    Raises:
        RuntimeError: a step failed, or rows were lost.
    """
    figures: dict[str, Measured] = {}
    with ExitStack() as at_the_end:
        server = at_the_end.enter_context(
            limited(cgroup, f"meli-scale-{customers}-postgres", compose.memory_limit("postgres"))
        )
        env = at_the_end.enter_context(stack(0, [], compose.postgres_settings()))
        data_dir = Path(env["BENCH_FOLDER"]) / "pg"
        join(server, server_processes(data_dir))
        env |= libpq(env) | {"CSV_DIR": str(csv_dir), "TMPDIR": env["BENCH_FOLDER"]}
        for step in STEPS:
            arguments = (str(customers),) if step.call.endswith(":generate") else step.arguments
            if step.name == "generate" and _is_generated(csv_dir, customers):
                continue
            limit = compose.memory_limit(step.service) if step.service else None
            cpu_before = cpu_seconds_of_sessions(data_dir)
            with limited(cgroup, f"meli-scale-{customers}-step", limit) as before, watched(data_dir) as memory:
                found = timed(env, step.call, *arguments, before=before)
            figures[step.name] = Measured(
                seconds=found["seconds"],
                cpu_seconds=found["cpu_seconds"] + cpu_seconds_of_sessions(data_dir) - cpu_before,
                client=found["peak_mb"] * MB,
                server=memory.peak,
                dev_shm=memory.peak_in_dev_shm,
            )
            print(f"{customers:>10,}  {step.name:18} {line(step, figures[step.name])}", flush=True)
            if step.name == "load":
                rows = json.loads((csv_dir / MANIFEST).read_text(encoding="utf-8"))["rows"]
                files = sum((csv_dir / name).stat().st_size for name in rows)
                if not keep_files:
                    shutil.rmtree(csv_dir)
        with owner(env) as conn:
            if problems := lost(conn, rows):
                raise RuntimeError(f"rows were lost with {customers:,} customers: {'; '.join(problems)}")
            [size] = conn.execute("select pg_database_size(current_database())").fetchall()[0]
        print(f"{customers:>10,}  nothing lost; files {files / MB:,.0f} MB, database {size / MB:,.0f} MB", flush=True)
    return figures


def require_space(folder: Path, csv_dir: Path | None, customers: int) -> None:
    """Refuse a size for which the disks have too little room; `csv_dir`: where the files stay (None: nowhere).

    Raises:
        SystemExit: the message says how much is there and how much is needed.
    """
    database, writing = WRITE_AHEAD_LOG + customers * DATABASE, customers * WRITING_FILES
    if csv_dir is None:  # the files are deleted once they are loaded
        needed = {folder: max(database, writing)}
    elif _is_generated(csv_dir / str(customers), customers):
        needed = {folder: database}
    elif csv_dir.stat().st_dev == folder.stat().st_dev:
        needed = {folder: max(database + customers * FILES, writing)}
    else:
        needed = {folder: database, csv_dir: writing}
    for where, size in needed.items():
        if size > (free := shutil.disk_usage(where).free):
            raise SystemExit(
                f"{customers:,} customers need about {size / 1e9:,.0f} GB in {where}, {free / 1e9:,.0f} GB are free:"
                " choose another folder (TMPDIR, --csv-dir) or fewer customers"
            )


def main() -> None:
    """Run the sizes, print the table, and exit with 1 if a limit was exceeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--csv-dir", type=Path, help="keep the generated files in folders below it")
    parser.add_argument("--cgroup", type=Path, help="a cgroup in which limits may be set, e.g. /sys/fs/cgroup/mine")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the cluster is stopped and removed
    by_size: dict[int, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="meli-scale-") as folder:
        kept = arguments.csv_dir and arguments.csv_dir.resolve()
        csv_dir = kept or Path(folder)
        csv_dir.mkdir(parents=True, exist_ok=True)
        for customers in sorted(arguments.customers):
            require_space(Path(folder), kept, customers)
            of_size = csv_dir / str(customers)
            by_size[customers] = run_size(customers, of_size, arguments.cgroup, keep_files=kept is not None)
    print()
    print("seconds, peak MB of the step's process + of PostgreSQL (anonymous and shared, without the file cache)")
    print("\n".join(table(STEPS, by_size)))
    limits = "limits of the compose file: " + (
        f"enforced in {arguments.cgroup}" if arguments.cgroup else "not enforced, peaks compared"
    )
    if fast := faster_than(TARGET, STEPS, by_size):
        print(f"grows faster than customers to the power of {TARGET}: {', '.join(fast)}")
    exceeded = [f"{size:,} customers, {what}" for size, found in by_size.items() for what in too_large(STEPS, found)]
    print(limits + ("; all peaks are below" if not exceeded else "; above:\n" + "\n".join(exceeded)))
    if exceeded:
        sys.exit(1)


def _is_generated(csv_dir: Path, customers: int) -> bool:
    try:
        manifest = json.loads((csv_dir / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return (manifest["customers"], manifest["seed"]) == (customers, SEED)


def _value(conn: psycopg.Connection, query: str, *parameters: Any) -> Any:
    row = conn.execute(query, parameters).fetchone()
    return row and row[0]


if __name__ == "__main__":
    main()
