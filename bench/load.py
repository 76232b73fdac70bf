"""The six files beside plain COPY into bare tables: `python -m bench.load --csv-dir DIR --rounds 3`.

DIR holds the files, e.g. of `make data CUSTOMERS=1000000`. The bare tables have no index and no check, and the files go
to the server as they are. Memory is that of the client.
"""

import argparse
import sys
from pathlib import Path

from bench.stack import fastest, libpq, owner, report, shown, stack
from ml import load
from ml.loading.files import CRYPTO, FILES, KINDS, Column
from ml.settings import settings

SIX = [raw for raw in FILES if raw is not CRYPTO]


def plain_copy() -> int:
    """Send the files as they are; return the rows."""
    rows = 0
    env = {"POSTGRES_HOST": settings().postgres_host, "POSTGRES_PORT": str(settings().postgres_port)}
    with owner({**env, "POSTGRES_DB": settings().postgres_db}) as conn, conn.cursor() as cursor:
        for raw in SIX:
            statement = f"copy bare.{raw.table.split('.')[1]} from stdin with (format csv, header)"
            with (Path(settings().csv_dir) / raw.file_name).open("rb") as file, cursor.copy(statement) as copy:
                while piece := file.read(1 << 20):
                    copy.write(piece)
            rows += cursor.rowcount
    return rows


def loaded() -> None:
    """Run ml.load on the six files."""
    tables = [argument for raw in SIX for argument in ("--table", raw.table)]
    sys.argv = ["ml.load", "--reload", *tables]
    if load.main() != 0:
        raise SystemExit("not loaded, see above")


def _type(column: Column) -> str:
    """The type as which COPY reads the field: whole numbers may be written 3.0."""
    kind = KINDS[column.kind].type
    return kind if kind in ("date", "text", "numeric") or column.kind in ("id", "owner") else "numeric"


def main() -> None:
    """Measure both by turns, into empty tables each time, and compare how many rows arrived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--csv-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    both = []
    with stack(0, []) as env:
        env |= libpq(env) | {"CSV_DIR": str(arguments.csv_dir.resolve())}
        for _ in range(arguments.rounds):
            with owner(env) as conn:
                conn.execute("drop schema if exists bare cascade; create schema bare; checkpoint")
                conn.execute("truncate staging.customers, " + ", ".join(raw.table for raw in SIX))
                for raw in SIX:
                    columns = ", ".join(f"{column.name} {_type(column)}" for column in raw.columns)
                    conn.execute(f"create table bare.{raw.table.split('.')[1]} ({columns})")
            both.append((shown(env, "bench.load:plain_copy"), shown(env, "bench.load:loaded")))
            with owner(env) as conn:
                [(rows,)] = conn.execute(
                    "select sum(rows_loaded) from ops.raw_loads where status = 'loaded'"
                ).fetchall()
    baseline, ours = fastest([first for first, _ in both]), fastest([second for _, second in both])
    print(f"{baseline['result']} rows by COPY, {rows} loaded in {arguments.rounds} rounds")
    report("six files", ours, baseline)
    print(f"{'':20} {'':16} {ours['seconds'] / baseline['seconds']:8.2f} times plain COPY")


if __name__ == "__main__":
    main()
