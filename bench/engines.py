"""PostgreSQL and Spark side by side on this machine: `python -m bench.engines --customers 1000000 10000000`.

For each size: generate the files, load them, train on one closed Sunday. Then each engine in turn builds a snapshot
inside and one after the months of the monthly files, and scores the first. PostgreSQL has the settings of the compose
file; Spark runs in `.local/venv/spark` (`make test-spark` makes it) with SPARK_MASTER_URL, local[2] unless set, and the
driver's memory of SPARK_DRIVER_MEMORY. Fails unless both engines built the same rows and their scores differ by at most
1e-12. By estimate, ten million customers take 44 GB below TMPDIR and two hours.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg

from bench import compose
from bench.growth import MB, Measured, cell
from bench.memory import cpu_seconds_of_sessions, processes_of, watched
from bench.scale import require_space
from bench.stack import libpq, owner, stack, timed
from local.environments import VENVS
from ml.loading.parquet import write_missing

INSIDE, AFTER = date(2019, 5, 26), date(2019, 6, 30)
CLOSER = 1e-12
ROWS = """
select count(*)::text || ' rows, ' || sum(hashtextextended(f::text, 0)::numeric)
from features.churn_weekly_features as f where snapshot_date = %s
"""
SCORES = "select customer_id, score, prediction from ops.churn_scoring where snapshot_date = %s"
KEEP = f"create table public.scores_of_the_other as {SCORES}"
DIFFERENCE = f"""
select max(abs(a.score - b.score)), count(*) filter (
    where (a.score - b.score) is null or a.prediction <> b.prediction
)
from public.scores_of_the_other as a
full join ({SCORES}) as b using (customer_id)
"""


def write_lake() -> None:
    """Write the loaded tables as Parquet."""
    with psycopg.connect(autocommit=True) as conn:
        write_missing(conn)


class Side:
    """Runs steps on one engine and keeps what they cost."""

    def __init__(self, engine: str, env: dict[str, str]) -> None:
        self.engine, self.costs = engine, dict[str, Measured]()
        self._env = env | {"ENGINE": engine}
        self._python = str(VENVS / "spark" / "bin" / "python") if engine == "spark" else sys.executable

    def run(self, name: str, call: str, *arguments: object) -> None:
        """Run a step, keep its cost as `name`, and print it."""
        data_dir = Path(self._env["BENCH_FOLDER"]) / "pg"
        python = sys.executable if call.startswith("bench.") else self._python  # Spark's has no packages of benchmarks
        before = cpu_seconds_of_sessions(data_dir)
        with watched(data_dir) as server, processes_of(data_dir) as own:
            found = timed(self._env, call, *map(str, arguments), python=python)
        sessions = cpu_seconds_of_sessions(data_dir) - before
        cost = Measured(found["seconds"], own.cpu_seconds + sessions, own.peak, server.peak, server.peak_in_dev_shm)
        self.costs[name] = cost
        print(f"{self.engine:9} {name:24} {cell(cost)}", flush=True)


def run_size(customers: int) -> list[Side]:
    """Run both engines on one set of files in a cluster of its own.

    Raises:
        RuntimeError: a step failed, or rows or scores differ.
    """
    with stack(0, [], compose.postgres_settings()) as env:
        folder = Path(env["BENCH_FOLDER"])
        env |= libpq(env) | {"CSV_DIR": str(folder / "csv"), "TMPDIR": str(folder)}
        env |= {"LAKE_URL": f"file://{folder / 'lake'}"}
        env |= {"SPARK_MASTER_URL": os.environ.get("SPARK_MASTER_URL") or "local[2]"}
        postgres, spark = Side("postgres", env), Side("spark", env)
        timed(env, "bench.scale:generate", str(customers))
        postgres.run("load", "bench.scale:load")
        shutil.rmtree(folder / "csv")
        timed(env, "ml.train:train", str(INSIDE), "1")
        with owner(env) as conn:
            built = list(_build(postgres, conn))
            timed(env, "ml.promote:promote")
            postgres.run("scores", "ml.scoring.snapshot:score", INSIDE, 0)
            conn.execute(KEEP, (INSIDE,))
            spark.run("load: Parquet as well", "bench.engines:write_lake")
            if (rebuilt := list(_build(spark, conn))) != built:
                raise RuntimeError(f"rows differ: {built} on PostgreSQL, {rebuilt} on Spark")
            spark.run("scores", "ml.scoring.snapshot:score", INSIDE, 0)
            [(largest, others)] = conn.execute(DIFFERENCE, (INSIDE,)).fetchall()
        if others or largest is None or largest > CLOSER:
            raise RuntimeError(f"scores differ by up to {largest}, and {others} customers or predictions differ")
        lake = sum(path.stat().st_size for path in (folder / "lake").rglob("*") if path.is_file())
        print(f"equal rows: {'; '.join(built)}; scores within {largest:.1e}; lake {lake / MB:,.0f} MB", flush=True)
    return [postgres, spark]


def _build(side: Side, conn: psycopg.Connection) -> Iterator[str]:
    for name, day in (("features, months known", INSIDE), ("features, months after", AFTER)):
        side.run(name, "ml.features:build", day)
        yield conn.execute(ROWS, (day,)).fetchall()[0][0]


def main() -> None:
    """Run the sizes and print a table of each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000_000])
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that the cluster is stopped and removed
    for customers in sorted(arguments.customers):
        require_space(Path(tempfile.gettempdir()), None, customers)
        print(f"{customers:,} customers: seconds, CPU of all processes, peak MB of the step + of PostgreSQL")
        postgres, spark = run_size(customers)
        print("| step | PostgreSQL | Spark |\n|---|---|---|")
        for name in dict.fromkeys([*postgres.costs, *spark.costs]):
            cells = (cell(side.costs[name]) if name in side.costs else "" for side in (postgres, spark))
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
