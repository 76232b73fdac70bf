"""`python -m bench.engines` runs both engines."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import ROOT, postgres_bin_dir
from tests.spark.conftest import CONF


def test_both_engines_are_measured_and_nothing_is_left(tmp_path: Path) -> None:
    env = {**os.environ, "BENCH_POSTGRES_BIN": str(postgres_bin_dir()), "TMPDIR": str(tmp_path)}
    env["SPARK_CONF_DIR"] = str(CONF)
    done = subprocess.run(
        [sys.executable, "-m", "bench.engines", "--customers", "2000"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    table = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [name.removeprefix("| ") for name, *_ in table] == [
        "step", "load", "features, months known", "features, months after", "scores", "load: Parquet as well",
    ]  # fmt: skip
    assert "equal rows: " in done.stdout
    assert list(tmp_path.iterdir()) == []
