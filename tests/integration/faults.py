"""Stop, watch and SIGKILL a command inside its transaction, as seen from another connection.

`kill_inside` is for "killed, then rerun", `stopped_inside` for "what do others see meanwhile", `idle_reader` for "an
idle reader holds nobody up". A command that ends before the state was seen, or whose transaction was over before the
kill, fails the test. Random choices come from `rng`; its seed is printed and `FAULT_SEED` repeats it.
"""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psycopg

if TYPE_CHECKING:
    from tests.integration.conftest import Database

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 120
SEED = int(os.environ.get("FAULT_SEED", random.SystemRandom().randrange(2**32)))
Seen = TypeVar("Seen")

# The transaction of another session of this database that has begun to write `writes` and, with `hold`, now waits for
# that table; either may be NULL.
INSIDE = """
    select activity.pid, activity.backend_xid::text
    from pg_stat_activity as activity
    where activity.datname = current_database()
        and activity.pid <> all (%(known)s)
        and (%(writes)s::text is null or activity.backend_xid is not null and exists (
            select from pg_locks as held
            where held.pid = activity.pid and held.granted and held.relation = to_regclass(%(writes)s)
                and held.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        ))
        and (%(hold)s::text is null or exists (
            select from pg_locks as awaited
            where awaited.pid = activity.pid and not awaited.granted and awaited.relation = to_regclass(%(hold)s)
        ))
"""


def rng(purpose: str) -> random.Random:
    """A random source for `purpose`; prints the seed that repeats it."""
    print(f"FAULT_SEED={SEED} ({purpose})")
    return random.Random(f"{SEED} {purpose}")


def wait_until(seen: Callable[[], Seen | None], what: str) -> Seen:
    """What `seen` returns once it is neither None nor False; AssertionError naming `what` after `TIMEOUT_S` seconds."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if found := seen():
            return found
        time.sleep(0.005)
    raise AssertionError(f"not seen within {TIMEOUT_S} s: {what}")


class Running:
    """`python -m <command>` against `database`, in its own process group."""

    def __init__(self, database: "Database", *command: str, **env: str) -> None:
        self.command = command
        self._stdout = tempfile.TemporaryFile("w+")  # noqa: SIM115 (read after the process has ended)
        self._stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            [database.python, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **database.env, **env},
            stdout=self._stdout,
            stderr=self._stderr,
            start_new_session=True,
        )

    def wait_for(self, seen: Callable[[], Seen | None], what: str) -> Seen:
        """`wait_until`, failing at once with the command's output when it ends before `what` was seen."""

        def seen_while_running() -> Seen | None:
            ended = self.process.poll() is not None
            found = seen()
            assert found or not ended, f"{self.command} ended before: {what}\n{self.finish()}"
            return found

        return wait_until(seen_while_running, what)

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end; the caller looks at the return code."""
        code = self.process.wait(TIMEOUT_S)
        self._stdout.seek(0)
        self._stderr.seek(0)
        return subprocess.CompletedProcess(self.command, code, self._stdout.read(), self._stderr.read())

    def kill(self) -> None:
        """SIGKILL the process group; AssertionError when the command had ended by itself."""
        assert self.process.poll() is None, f"{self.command} ended before the kill\n{self.finish()}"
        os.killpg(self.process.pid, signal.SIGKILL)
        assert self.process.wait(TIMEOUT_S) == -signal.SIGKILL


class Inside(Running):
    """A command that was seen inside a transaction: `pid` is its server process, `xid` the transaction.

    `xid` is None for one that had written nothing yet.
    """

    pid: int
    xid: str | None

    def outcome(self, database: "Database") -> str:
        """How the transaction ended: `committed` or `aborted`, once its server process is gone."""
        with database.connect() as conn:
            wait_until(
                lambda: not conn.execute("select from pg_stat_activity where pid = %s", (self.pid,)).fetchall(),
                f"end of server process {self.pid}",
            )
            if self.xid is None:  # held before its first write until the kill
                return "aborted"
            return str(conn.execute("select pg_xact_status(%s::text::xid8)", (self.xid,)).fetchall()[0][0])


@contextmanager
def stopped_inside(
    database: "Database",
    *command: str,
    writes: str | None = None,
    hold: str | None = None,
    mode: str = "exclusive",
    has_reached_hold: bool = True,
    **env: str,
) -> Iterator[Inside]:
    """The command, seen in a transaction that has begun to write table `writes`.

    With `hold`, a table that the command writes later in the same transaction (`mode="access exclusive"`: reads later),
    it stands still there while the context is open and goes on when the context ends; wait for it with `finish()`.
    `hold` alone stops a transaction that has written nothing yet. Without `has_reached_hold` it may be on its way.
    """
    assert writes or hold, "name a table that the command writes, or one to hold it at"
    with database.connect() as observer, database.connect() as holder:
        known = [row[0] for row in observer.execute("select pid from pg_stat_activity")]
        if hold:
            holder.execute("begin")
            holder.execute(f"lock table {hold} in {mode} mode")
        running = Inside(database, *command, **env)
        try:
            state = {"known": known, "writes": writes, "hold": hold if has_reached_hold else None}
            found = running.wait_for(
                lambda: observer.execute(INSIDE, state).fetchone(),
                f"a transaction that has begun to write {writes} and waits for {hold}",
            )
            running.pid, running.xid = found
            yield running
        except BaseException:
            if running.process.poll() is None:
                os.killpg(running.process.pid, signal.SIGKILL)
                running.process.wait(TIMEOUT_S)
            raise


def kill_inside(
    database: "Database",
    *command: str,
    writes: str | None = None,
    hold: str | None = None,
    mode: str = "exclusive",
    within_s: float = 0.0,
    **env: str,
) -> None:
    """SIGKILL the command in the transaction that `stopped_inside` describes; nothing of it is committed.

    `within_s`: kill at a random moment up to so many seconds after it began to write, on its way to `hold` or there.
    """
    assert hold or not within_s, "without a table to hold it at, a fast command would end before the kill"
    delay = rng(f"kill {' '.join(command)}").uniform(0, within_s)
    with stopped_inside(
        database, *command, writes=writes, hold=hold, mode=mode, has_reached_hold=not within_s, **env
    ) as running:
        time.sleep(delay)
        running.kill()
    outcome = running.outcome(database)
    assert outcome == "aborted", f"the kill came after the end: the transaction of {command} had {outcome}"


@contextmanager
def idle_reader(database: "Database", query: str, isolation: str = "repeatable read") -> Iterator[psycopg.Connection]:
    """A session that has run `query` and stays idle in its transaction while the context is open."""
    with database.connect() as conn:
        conn.execute(f"begin isolation level {isolation} read only")
        conn.execute(query).fetchall()
        yield conn
