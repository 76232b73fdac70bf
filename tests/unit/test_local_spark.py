"""ENGINE=spark in the local stack: what is asked of the machine, and what the commands are told."""

from pathlib import Path

import pytest

from local import spark
from local.config import PASSWORDS, Config, load
from local.console import Failure


def config(**values: str) -> Config:
    return Config({"ENGINE": "spark", "PATH": "", **values}, {}, {})


def java(folder: Path, says: str) -> str:
    """A JAVA_HOME whose java says its version as Java does."""
    program = folder / "bin" / "java"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19'])
def test_java_17_or_later_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str):
    asked: list[str] = []
    monkeypatch.setattr(spark, "ensure", asked.append)
    spark.require(config(JAVA_HOME=java(tmp_path, says)))
    assert asked == ["spark"]


@pytest.mark.parametrize("says", ['openjdk version "11.0.2" 2019-01-15', 'java version "1.8.0_361"', "no version"])
def test_older_java_is_named(tmp_path: Path, says: str):
    with pytest.raises(Failure, match=r"needs Java 17 or later; .*bin/java is: .*apt install openjdk-17-jre-headless"):
        spark.require(config(JAVA_HOME=java(tmp_path, says)))


def test_machine_without_java_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Failure, match="needs Java 17 or later, and there is none; install it"):
        spark.require(config())


def test_default_engine_asks_for_nothing_and_tells_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spark, "ensure", lambda *names: pytest.fail(f"makes {names}"))
    default = config(ENGINE="postgres", LAKE_URL="s3://bucket/lake")
    spark.require(default)
    assert spark.environment(default) == {}
    assert spark.ml_environment(default) == "ml"


def test_commands_are_told_where_files_go():
    told = spark.environment(config(SPARK_DRIVER_MEMORY="3g", S3_SECRET_KEY="secret"))
    assert told["ENGINE"] == "spark"
    assert told["LAKE_URL"].startswith("file:///")
    assert told["SPARK_MASTER_URL"] == "local[*]"
    assert told["SPARK_DRIVER_MEMORY"] == "3g"
    assert "S3_SECRET_KEY" not in told
    assert spark.environment(config(LAKE_URL="s3://b/l", S3_SECRET_KEY="secret"))["S3_SECRET_KEY"] == "secret"


def test_engine_of_the_command_line_comes_before_that_of_env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in PASSWORDS) + "ENGINE=spark\n")
    monkeypatch.delenv("ENGINE", raising=False)
    assert load(tmp_path, tmp_path).uses_spark
    monkeypatch.setenv("ENGINE", "postgres")
    assert not load(tmp_path, tmp_path).uses_spark
    monkeypatch.setenv("ENGINE", "oracle")
    with pytest.raises(Failure, match="ENGINE='oracle' is not an engine; choose postgres or spark"):
        load(tmp_path, tmp_path)
