"""Gives the tests their own home folder: nothing that they start writes outside the checkout."""

import os
from pathlib import Path

STATE = Path(__file__).resolve().parents[1] / ".local"
WRITTEN_ELSEWHERE = ("XDG_", "JUPYTER", "IPYTHON", "MPLCONFIGDIR")

os.environ.setdefault("DOCKER_CONFIG", str(Path.home() / ".docker"))  # where Docker's client finds its plugins
for variable in [name for name in os.environ if name.startswith(WRITTEN_ELSEWHERE)]:
    del os.environ[variable]
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # uv does not compile: each process would do it for itself
os.environ["HOME"] = str(STATE / "test" / "home")
Path.home().mkdir(parents=True, exist_ok=True)
