"""What the compose file and the locks say, without starting anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.environments import uv
from tests.stack.harness import COMPOSE, ROOT

LOCKS = sorted([*ROOT.glob("docker/*/requirements*.txt"), *ROOT.glob("ml/requirements*.txt")])
# Pure Python and, with PySpark, Java: see docker/airflow/build-seed.in and docker/spark/install.sh.
BUILT_FROM_SOURCE = ("python-nvd3==", "unicodecsv==", "pyspark==")
PINNED = re.compile(r"^([a-zA-Z0-9_.-]+)==(\S+)", re.MULTILINE)


def config(**env: str) -> dict[str, dict[str, Any]]:
    """The compose file as Compose reads it with the shipped `.env`."""
    done = subprocess.run(
        [*COMPOSE, "config", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], **env},
    )
    if done.returncode != 0:
        pytest.skip(f"no Compose: {done.stderr.strip()[-200:]}")
    return dict(json.loads(done.stdout)["services"])


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by package; one that depends on the interpreter has several."""
    found: dict[str, set[str]] = {}
    for name, version in PINNED.findall((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("line", ["", "-seed"])
def test_images_agree_with_the_models_environment(line: str) -> None:
    model = pins(f"ml/requirements{line}.txt")
    for image in ("mlflow", "streamlit", "jupyter"):
        own = pins(f"docker/{image}/requirements{line}.txt")
        differing = {name: (own[name], model[name]) for name in own.keys() & model.keys() if own[name] != model[name]}
        assert differing == {}, image


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_pin_has_its_hash(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-zA-Z0-9])", text)
    assert [block.split("\n")[0] for block in blocks if PINNED.match(block) and "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_pin_has_a_wheel_for_arm64(lock: Path, tmp_path: Path) -> None:
    pins = [line.rstrip(" \\") for line in lock.read_text(encoding="utf-8").splitlines() if PINNED.match(line)]
    listed = tmp_path / "pins.txt"
    listed.write_text("\n".join(pin for pin in pins if not pin.startswith(BUILT_FROM_SOURCE)), encoding="utf-8")
    uv(
        "pip", "compile", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11", "--python-platform",
        "aarch64-manylinux_2_28", str(listed), "-o", str(tmp_path / "found.txt"),
    )  # fmt: skip


def test_everything_waits_for_the_guard() -> None:
    services = config()
    assert [name for name in services if name != "guard" and not _reaches(services, name, "guard")] == []


def _reaches(services: dict[str, dict[str, Any]], name: str, target: str) -> bool:
    needs = services[name].get("depends_on", {})
    assert isinstance(needs, dict)
    return target in needs or any(_reaches(services, need, target) for need in needs)


def test_bind_address_is_the_gateways_alone() -> None:
    services = config(BIND_ADDRESS="0.0.0.0", GATEWAY="1")
    bound = {name: {port["host_ip"] for port in found.get("ports", [])} for name, found in services.items()}
    assert bound.pop("gateway") == {"0.0.0.0"}
    assert set.union(*bound.values()) == {"127.0.0.1"}


def test_gateway_is_there_only_where_it_is_asked_for() -> None:
    assert "gateway" not in config()
    assert "gateway" in config(GATEWAY="1")


CLUSTER = {"spark-master", "spark-worker", "spark-history"}


def test_spark_is_there_only_where_it_is_asked_for() -> None:
    default, spark = config(), config(ENGINE="spark")
    assert spark.keys() - default.keys() == CLUSTER
    assert default["db-init"]["network_mode"] == "none"
    for name, service in default.items():
        told = {"ENGINE": "", "SPARK_EXECUTOR_MEMORY": "2g"} if name == "guard" else {}
        environment = {key: value for key, value in service.get("environment", {}).items() if key in spark_only(spark)}
        assert environment == told, name
        assert not service.get("networks", {}).keys() & {"spark", "lake", "history"}, name
        assert "spark" not in service.get("image", ""), name
    said = config(ENGINE="postgres")
    assert said["guard"]["environment"].pop("ENGINE") == "postgres"
    assert default["guard"]["environment"].pop("ENGINE") == ""
    assert said == default


def spark_only(services: dict[str, dict[str, Any]]) -> set[str]:
    """Names of the variables that tell a driver of its cluster and of the lake."""
    return {
        "ENGINE",
        "LAKE_URL",
        *(name for name in services["airflow-scheduler"]["environment"] if "S3_" in name or "SPARK_" in name),
    }


def test_spark_reaches_what_it_needs_alone() -> None:
    services = config(ENGINE="spark", GATEWAY="1")
    members = {
        network: {name for name, service in services.items() if network in service.get("networks", {})}
        for network in ("spark", "lake", "history")
    }
    drivers = {"airflow-webserver", "airflow-scheduler"}
    assert members == {
        "spark": {"spark-master", "spark-worker", *drivers},
        "lake": {"minio", "spark-worker", "db-init", *drivers},
        "history": {"spark-history"},
    }
    assert {name: set(services[name]["networks"]) for name in CLUSTER} == {
        "spark-master": {"spark"}, "spark-worker": {"spark", "lake"}, "spark-history": {"history"},
    }  # fmt: skip
    published = {
        name: {(port["host_ip"], port["target"]) for port in services[name].get("ports", [])} for name in CLUSTER
    }
    assert published == {
        "spark-master": {("127.0.0.1", 8080)}, "spark-history": {("127.0.0.1", 18080)}, "spark-worker": set(),
    }  # fmt: skip


def test_spark_is_hardened_like_the_rest() -> None:
    for name, service in config(ENGINE="spark").items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert service["logging"]["options"]["max-size"], name
        if name in CLUSTER:
            assert service["healthcheck"]["test"], name


def test_linter_finds_nothing_of_high_severity() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "compose_lint", "check", "--fail-on", "high", "docker/docker-compose.yml"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_demo_values_of_secrets_sh_are_those_of_env() -> None:
    shipped = dict(re.findall(r"^(\w+_PASSWORD)=(\S+)$", (ROOT / ".env").read_text(encoding="utf-8"), re.MULTILINE))
    known = dict(
        re.findall(r"^    (\w+_PASSWORD)\) echo (\S+) ;;$", (ROOT / "docker/secrets.sh").read_text(), re.MULTILINE)
    )
    assert known == shipped


def test_scripts_have_unix_line_ends() -> None:
    for script in [*ROOT.glob("docker/**/*.sh"), *ROOT.glob("docker/postgres/init/*.sql")]:
        assert b"\r" not in script.read_bytes(), script
