"""Commands that Airflow starts every minute, or thirteen times in a row, import no library that takes seconds."""

import subprocess
import sys

import pytest

HEAVY = {"mlflow", "pandas", "scipy", "sklearn", "matplotlib"}


@pytest.mark.parametrize("command", ["infer_batch", "monitor", "features", "crypto_events"])
def test_command_starts_without_heavy_libraries(command):
    loaded = f"import sys, ml.{command}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
