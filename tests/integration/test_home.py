"""The tests do not change the home folder of the user who runs them."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import ROOT

NOTEBOOK = "tests/integration/test_notebooks.py::test_explore_notebook_runs_before_any_feature_is_built"


def test_notebooks_write_nothing_into_the_home_folder(tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", NOTEBOOK],
        cwd=ROOT,
        env={**inherited, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert list(tmp_path.iterdir()) == []
