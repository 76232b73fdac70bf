"""PostgreSQL's volume full: writes fail, reads go on, nothing is lost, and freed space is all it takes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.stack.harness import COMPOSE, Stack, wait_for

Tried = Callable[[str, str], None]
# The holder keeps the volume mounted: a file system in memory is gone with its last container.
SMALL = """
services:
  postgres:
    command: [postgres, "-clisten_addresses=*", -cmax_wal_size=64MB, -cmin_wal_size=32MB]
  holder:
    image: ${POSTGRES_IMAGE:-postgres:15}
    user: "999:999"
    network_mode: none
    entrypoint: [sleep, infinity]
    volumes: ["postgres-data:/data"]
volumes:
  postgres-data:
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=300m,uid=999,gid=999,mode=0700"}
"""


@pytest.fixture
def small(stack: Stack, tmp_path: Path) -> Iterator[Stack]:
    """PostgreSQL alone, seeded, on a volume of 300 MB."""
    tmp_path.chmod(0o755)
    made = Stack.make(tmp_path, f"{stack.project}-small")
    (made.root / "docker" / "small.yml").write_text(SMALL, encoding="utf-8")
    try:
        made.run(*COMPOSE, "build", "db-init")  # db-init runs in its image
        made.run(*COMPOSE, "-f", "docker/small.yml", "up", "-d", "--no-build", "holder", "db-init")
        wait_for("the sample", lambda: made.rows("select count(*) > 0 from raw.evaluate") == [(True,)], 120)
        wait_for("db-init to end", lambda: made.container("db-init")["State"]["Status"] == "exited", 60)
        yield made
    finally:
        made.run(*COMPOSE, "-f", "docker/small.yml", "down", "--volumes", check=False)


def test_full_volume(small: Stack, tried: Tried) -> None:
    before = small.rows("select count(*), sum(spent) from raw.payments")
    small.run(
        *COMPOSE, "-f", "docker/small.yml", "exec", "-T", "holder", "sh", "-c",
        "dd if=/dev/zero of=/data/filler bs=1M status=none; true",
    )  # fmt: skip
    with pytest.raises(psycopg.Error):
        small.rows("create table sandbox.filler as select repeat(md5(i::text), 50) from generate_series(1, 200000) i")
    small.run(*COMPOSE, "-f", "docker/small.yml", "exec", "-T", "holder", "rm", "/data/filler")
    wait_for("an answer", lambda: small.rows("select 1") == [(1,)], 90)
    with small.connect() as conn:
        conn.execute("create table sandbox.after as select 1 as a")
    assert small.rows("select count(*), sum(spent) from raw.payments") == before
    tried("PostgreSQL's volume full", "writes fail, nothing lost, healed when space was freed")
