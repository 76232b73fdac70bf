"""Builds and boots the stack once for all tests here, and prints what was tried.

`STACK_DIR=/folder` keeps the copy and its containers there for the next run; without it both are removed.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.stack.harness import COMPOSE, PORTS, AirflowApi, Stack

TRIED: list[tuple[str, str]] = []
HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "every_fault: the whole table of services and DAGs; takes an hour")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if subprocess.run(["docker", "info"], capture_output=True).returncode != 0:
        missing = pytest.mark.skip(reason="no Docker engine answers")
        for item in items:
            if HERE in item.path.parents and {"stack", "cluster"} & set(getattr(item, "fixturenames", ())):
                item.add_marker(missing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TRIED:
        width = max(len(what) for what, _ in TRIED)
        terminalreporter.section("what was tried")
        for what, outcome in TRIED:
            terminalreporter.write_line(f"{what:{width}}  {outcome}")
        terminalreporter.write_line(f"{len(TRIED)} cases")


@pytest.fixture(scope="session")
def tried() -> Callable[[str, str], None]:
    """Put a line into the table that is printed at the end."""

    def record(what: str, outcome: str) -> None:
        TRIED.append((what, outcome))

    return record


def bridge_address() -> str:
    """This machine's address among its own containers, which no other machine reaches."""
    found = subprocess.run(["docker", "network", "inspect", "bridge"], capture_output=True, text=True, check=True)
    settings = json.loads(found.stdout)[0]["IPAM"]["Config"][0]
    return str(settings.get("Gateway") or next(ip_network(settings["Subnet"]).hosts()))


@pytest.fixture(scope="session")
def stack(tried: Callable[[str, str], None]) -> Iterator[Stack]:
    """The stack, built and healthy, with the sample loaded, and its gateway open to this machine's other containers."""
    kept = os.environ.get("STACK_DIR")
    folder = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="meli-stack-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    ports = {name: str(21000 + number) for number, name in enumerate(PORTS)} if kept else {}
    bridge = bridge_address()
    door = {"GATEWAY": "1", "BIND_ADDRESS": bridge, "GATEWAY_HOST": bridge}
    made = Stack.make(folder, "meli-kept" if kept else f"meli-test-{os.getpid()}", **ports, **door)
    try:
        start = time.monotonic()
        made.run("make", "up", timeout=3000)
        tried("make up, images built as far as the cache lacks them", f"{time.monotonic() - start:.0f} s")
        yield made
    except BaseException:
        print(subprocess.run([*COMPOSE, "ps", "-a"], cwd=made.root, capture_output=True, text=True).stdout)
        raise
    finally:
        if not kept:
            made.compose("down", "--volumes", "--remove-orphans", "--rmi", "local", check=False)
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def outside() -> Iterator[tuple[str, str]]:
    """A network namespace joined to this one by a cable: its name, and this machine's address in it."""
    name, address = "meli-out", "198.51.100.1"
    steps = (
        f"ip netns add {name}", f"ip link add meli-a type veth peer name meli-b netns {name}",
        f"ip addr add {address}/30 dev meli-a", "ip link set meli-a up",
        f"ip netns exec {name} ip addr add 198.51.100.2/30 dev meli-b", f"ip netns exec {name} ip link set meli-b up",
        f"ip netns exec {name} ip route add default via {address}",
    )  # fmt: skip
    subprocess.run(["ip", "netns", "delete", name], capture_output=True)  # what a run that was killed has left
    try:
        for step in steps:
            done = subprocess.run(step.split(), capture_output=True, text=True)
            if done.returncode != 0:
                pytest.skip(f"no network namespace to be had: {step}: {done.stderr.strip()}")
        yield name, address
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True)


@pytest.fixture(scope="session")
def api(stack: Stack) -> AirflowApi:
    """Airflow's REST API."""
    return AirflowApi(stack)


@pytest.fixture(scope="session")
def trained(stack: Stack) -> Stack:
    """The stack after the README's commands: features, a Production model, scores, crypto events."""
    for dag_id, date in (
        ("churn_feature_build_w", "2019-05-26"),
        ("churn_train_register_m", "2019-05-31"),
        ("churn_batch_score_w", "2019-05-26"),
        ("churn_monitor_w", "2019-05-26"),
        ("etl_crypto_events_d", "2019-05-26"),
    ):
        stack.airflow("dags", "test", dag_id, date)
    return stack
