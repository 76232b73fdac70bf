"""A PostgreSQL cluster in a folder of its own: make it, start it, apply `docker/postgres/init/*.sql`, stop it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INIT_DIR = ROOT / "docker" / "postgres" / "init"


def as_unprivileged(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root; in a user namespace root's own files belong to an ordinary id."""
    if os.geteuid() != 0:
        return command
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", *command]


@dataclass(frozen=True)
class Cluster:
    """One PostgreSQL data directory, listening on 127.0.0.1 alone."""

    bin_dir: Path
    data_dir: Path
    port: int
    superuser: str
    password: str

    def initialise(self) -> None:
        """Create the data directory with `superuser` and `password` (scram), UTF-8, locale C."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        password_file = self.data_dir.with_suffix(".pw")
        password_file.write_text(self.password, encoding="utf-8")
        try:
            self._run(
                "initdb", "-D", str(self.data_dir), "-U", self.superuser, "-A", "scram-sha-256",
                "--pwfile", str(password_file), "-E", "UTF8", "--locale=C",
            )  # fmt: skip
        finally:
            password_file.unlink()

    def start(self, *settings: str) -> None:
        """Start the server and wait until it accepts connections; `settings` are `name=value` for postgresql.conf."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *settings]
        flags = " ".join(f"-c {option}" for option in options)
        log = self.data_dir.with_suffix(".log")
        self._run("pg_ctl", "-D", str(self.data_dir), "-l", str(log), "-o", flags, "-w", "-t", "120", "start")

    def stop(self) -> None:
        """Stop the server, ending its sessions."""
        self._run("pg_ctl", "-D", str(self.data_dir), "-m", "fast", "-w", "stop")

    def psql(self, database: str, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run psql as the superuser, stopping at the first error, and return what it printed."""
        command = [str(self.bin_dir / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database, *arguments]
        connection = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": self.superuser,
            "PGPASSWORD": self.password,
        }
        done = subprocess.run(command, env={**os.environ, **connection, **(env or {})}, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"psql {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout

    def apply_init(self, database: str, env: dict[str, str], *, load: bool) -> None:
        """Apply docker/postgres/init/*.sql in order of name; with `load` off, all but the data loads (9*.sql)."""
        for script in sorted(INIT_DIR.glob("*.sql")):
            if load or not script.name.startswith("9"):
                self.psql(database, "-f", str(script), env=env)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            as_unprivileged([str(self.bin_dir / program), *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            log = self.data_dir.with_suffix(".log")
            tail = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed: {done.stdout or ''}\n{tail}".strip())
