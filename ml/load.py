"""Load the CSV files below CSV_DIR into their tables: `python -m ml.load`. Files that have not changed are left alone.

Connects as the administrator, with libpq's variables (PGHOST, PGDATABASE, PGUSER, …). Each file is loaded in one
transaction. If a file is refused, its table keeps its rows, the other files are loaded, and the command fails.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from pydantic import ValidationError

from ml.cli import CommandError, TryLater
from ml.loading.days import StatedDates
from ml.loading.files import FILES, PAYMENTS, RawFile
from ml.loading.load_file import load_file
from ml.loading.replay import replay_rejects
from ml.loading.stated_dates import assume_cutoff, check_stated_dates, dates_that_hold, state_dates
from ml.loading.writing import Load
from ml.settings import settings

FILES_AT_A_TIME = 2
REPLAY = "make replay-rejects"
CORRECTED = "select count(*) from ops.raw_rejects where load_id = %s and mended_text is not null"
CHURN_FLAG = "select round(100 * avg(churn), 1) from raw.evaluate"


def main() -> int:
    """Run the command; errors are printed to stderr and give exit code 1."""
    arguments = _arguments()
    try:
        with _connect("ml.load") as conn:
            stated = state_dates(conn)
            if arguments.replay_rejects:
                for load in replay_rejects(conn, stated):
                    print(f"{load.file_name}: {load.message}", flush=True)
            else:
                _load(conn, stated, arguments)
            if settings().engine == "spark":
                from ml.loading.parquet import write_missing  # here: it imports pandas, which no other load needs

                for table in write_missing(conn):
                    print(f"{table}: written to {settings().lake_url}", flush=True)
            check_stated_dates(conn)
            if line := dates_that_hold(conn):
                print(line, flush=True)
    except (CommandError, TryLater, psycopg.Error) as error:
        print(str(error).strip(), file=sys.stderr)
        return 1
    except ValidationError as error:
        for problem in error.errors():
            print(f"{str(problem['loc'][0]).upper()}={problem['input']!r}: {problem['msg']}", file=sys.stderr)
        return 1
    return 0


def _connect(application_name: str) -> psycopg.Connection:
    return psycopg.connect(application_name=application_name, connect_timeout=10, autocommit=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ml.load", description=__doc__)
    parser.add_argument("--table", action="append", choices=[raw.table for raw in FILES], help="load its file alone")
    parser.add_argument("--reload", action="store_true", help="load unchanged files too")
    parser.add_argument("--force", action="store_true", help="accept a file that shrank by more than half")
    parser.add_argument("--csv-dir", default=settings().csv_dir, help="absolute path of the folder; CSV_DIR by default")
    parser.add_argument("--replay-rejects", action="store_true", help="load corrected rejects instead")
    return parser.parse_args()


def _load(conn: psycopg.Connection, stated: StatedDates, arguments: argparse.Namespace) -> None:
    csv_dir = Path(arguments.csv_dir)
    if not csv_dir.is_absolute():
        raise CommandError(
            f"CSV_DIR='{arguments.csv_dir}': expected the absolute path of the folder with the CSV files"
        )
    chosen = [raw for raw in FILES if not arguments.table or raw.table in arguments.table]
    options = {"reload": arguments.reload, "force": arguments.force}
    with ThreadPoolExecutor(FILES_AT_A_TIME) as pool:
        # The largest file takes as long as the others together.
        begun = sorted(chosen, key=lambda raw: raw is not PAYMENTS)
        running = {raw: pool.submit(_load_one, raw, csv_dir, stated, options) for raw in begun}
        loads = []
        for raw in chosen:
            report, load = running[raw].result()
            print(report, flush=True)
            loads.append(load)
    # Without the PAYMENTS.csv that it came with, there is nothing to take the flag's first day from.
    is_refused = {load.table_name: load.status == "refused" for load in loads}
    if not is_refused.get(PAYMENTS.table) and (line := assume_cutoff(conn)):
        print(line, flush=True)
    for load in loads:
        if load.table_name == "raw.evaluate" and load.status == "loaded" and not _is_sample(csv_dir, load):
            print(_churn_flag(conn))
    if refusals := [f"{load.file_name} {load.message}" for load in loads if load.status == "refused"]:
        raise CommandError("\n".join([*refusals, "These tables hold what they held before."]))


def _load_one(raw: RawFile, csv_dir: Path, stated: StatedDates, options: dict[str, bool]) -> tuple[str, Load]:
    """Load one file on a connection of its own; returns the line that reports it, and its record."""
    with _connect(f"ml.load {raw.file_name}") as conn:
        load_id, load = load_file(conn, raw, csv_dir, stated, **options)
        if load.status == "loaded":
            _vacuum(conn, raw)
        return _line(conn, load_id, load), load


def _vacuum(conn: psycopg.Connection, raw: RawFile) -> None:
    """Mark the new pages as visible to all, which index-only scans need."""
    conn.execute(f"vacuum {raw.table}")
    if raw is PAYMENTS:
        conn.execute("vacuum staging.customers")


def _line(conn: psycopg.Connection, load_id: int, load: Load) -> str:
    parts = [f"{load.file_name}: {load.status}"]
    if load.status == "loaded":
        parts.append(f"{load.rows_loaded:,} rows")
    if load.rows_rejected:
        parts.append(f"{load.rows_rejected} rejected (select * from ops.raw_rejects where load_id = {load_id})")
        [corrected] = conn.execute(CORRECTED, (load_id,)).fetchall()[0]
        if corrected and load.status == "loaded":
            parts.append(f"{corrected} of them corrected ({REPLAY})")
    return ", ".join(parts)


def _churn_flag(conn: psycopg.Connection) -> str:
    """What users must check when they load their own EVALUATE.csv."""
    means, opposite = "stayed_away", "came_back"
    if settings().evaluate_churn_means == opposite:
        means, opposite = opposite, means
    [share] = conn.execute(CHURN_FLAG).fetchall()[0]
    return (
        f"EVALUATE.csv: churn = 1 for {share} % of the customers, taken to mean that they {means.replace('_', ' ')}. "
        f"Where 1 means the opposite, set EVALUATE_CHURN_MEANS={opposite} in .env."
    )


def _is_sample(csv_dir: Path, load: Load) -> bool:
    """Whether the generator of this project wrote the file; False if the manifest cannot be read."""
    try:
        files = json.loads((csv_dir / "sample_data" / "manifest.json").read_text(encoding="utf-8"))["files"]
        return f"sha256:{load.file_digest}" in files[load.file_name]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


if __name__ == "__main__":
    sys.exit(main())
