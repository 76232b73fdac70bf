"""Creates the virtual environments under `.local/venv` from hashed locks; needs only Python's standard library."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from local.console import Failure, run, say, step

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".local"
RUN = STATE / "run"
VENVS = STATE / "venv"
UV_HOME = STATE / "uv"
FOREIGN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")  # variables that lead to other packages
LOCKS = {
    "airflow": ROOT / "docker" / "airflow" / "requirements.txt",
    "ml": ROOT / "local" / "requirements.txt",
    "spark": ROOT / "ml" / "requirements-spark.txt",
    "test": ROOT / "tests" / "requirements.txt",
}


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one command at a time change the stack of this checkout; a second one says which process it waits for."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "lock").open("a+", encoding="utf-8") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            turn.seek(0)
            say(f"Another make (process {turn.read().strip()}) is at work in this checkout; waiting for it to end.")
            fcntl.flock(turn, fcntl.LOCK_EX)
        turn.truncate(0)
        turn.write(str(os.getpid()))
        turn.flush()
        yield


def python_of(name: str) -> Path:
    """Interpreter of the environment `name`; run tools as `python -m`, since long paths break `#!` lines."""
    return VENVS / name / "bin" / "python"


def digest(name: str) -> str:
    """Digest of the environment's lock file."""
    return hashlib.sha256(LOCKS[name].read_bytes()).hexdigest()


def ensure(*names: str) -> None:
    """Make each environment whose lock file or Python has changed anew; if none has, this needs no network."""
    for name in names:
        if name not in LOCKS:
            raise Failure(f"no Python environment {name!r}; there are {', '.join(LOCKS)}")
        wanted = f"{digest(name)} {sys.version.split()[0]}\n"
        python, stamp = python_of(name), VENVS / name / "lock.digest"
        if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            continue
        with step(f"Python environment {name} (the first time: downloads)"):
            uv("venv", "--quiet", "--clear", "--python", os.path.realpath(sys.executable), str(VENVS / name))
            uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), str(LOCKS[name]))
            stamp.write_text(wanted, encoding="utf-8")


def uv(*arguments: str) -> None:
    """Run uv at the repository's root, installing it first where it is missing."""
    if not (UV_HOME / "bin" / "uv").exists():
        _install_uv()
    env = {
        **{name: value for name, value in os.environ.items() if name not in FOREIGN},
        "UV_CACHE_DIR": str(STATE / "cache" / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    run([str(UV_HOME / "bin" / "uv"), *arguments], f"uv {' '.join(arguments[:2])} failed", cwd=ROOT, env=env)


def _install_uv() -> None:
    """Install the pinned uv into `.local/uv` with the interpreter's pip, or else one in a temporary environment."""
    tools, python = STATE / "cache" / "pip-venv", sys.executable
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        remedy = "install them (on Debian or Ubuntu: apt install python3-venv) and try again"
        complaint = f"{python} has neither pip nor a working venv module; {remedy}"
        run([python, "-m", "venv", "--clear", str(tools)], complaint)
        python = str(tools / "bin" / "python")
    run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir",
         "--require-hashes", "--only-binary", ":all:", "--no-deps", "--upgrade", "--target", str(UV_HOME),
         "-r", str(ROOT / "local" / "uv.txt")],
        "uv could not be installed with pip",
        env={**os.environ, "RUSTUP_HOME": str(STATE / "cache" / "rustup")},  # pip runs rustc; rustup makes a folder
    )  # fmt: skip
    shutil.rmtree(tools, ignore_errors=True)
