"""Settings of the local stack: what is refused, and by which name."""

from pathlib import Path

import pytest

from local import config
from local.console import Failure

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(tmp_path: Path):
    """Load the repository's .env with lines added over it."""

    def loaded(added: str = "") -> config.Config:
        (tmp_path / ".env").write_text((ROOT / ".env").read_text() + added)
        return config.load(tmp_path, tmp_path / "state")

    return loaded


def test_repository_env_is_complete(load):
    assert load().ports == config.DEFAULT_PORTS


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ("MLFLOW_PORT=http", "MLFLOW_PORT='http' in .env is not a port"),
        ("MLFLOW_PORT=0", "MLFLOW_PORT='0'"),
        ("MLFLOW_PORT=70000", "MLFLOW_PORT='70000'"),
        ("MLFLOW_PORT=8080", "MLFLOW_PORT and AIRFLOW_PORT in .env are both 8080"),
        ("POSTGRES_PASSWORD=", "POSTGRES_PASSWORD is not set"),
        ("READER_DB_PASSWORD=", "READER_DB_PASSWORD is not set"),
        ('AIRFLOW_ADMIN_PASSWORD="two\\nlines"', "AIRFLOW_ADMIN_PASSWORD in .env has a line break"),
        ("POSTGRES_DB=" + "x" * 64, "is longer than 63 bytes"),
    ],
)
def test_refused(load, added, words):
    with pytest.raises(Failure) as refused:
        load(added)
    assert words in str(refused.value)


def test_shell_prepared_by_make_env_does_not_change_the_stack(load, monkeypatch):
    monkeypatch.setenv("POSTGRES_USER", "meli_pipeline")
    assert load()["POSTGRES_USER"] == "meli"


def test_generated_keys_are_kept_and_private(load, tmp_path):
    first = load().generated
    assert load().generated == first
    assert (tmp_path / "state" / "secrets.json").stat().st_mode & 0o077 == 0


def test_database_address_quotes_the_password(load):
    settings = load("MLFLOW_DB_PASSWORD='p@ %:/$#x'")
    address = settings.database_url("meli_mlflow", "MLFLOW_DB_PASSWORD", "mlflow")
    assert address == "postgresql+psycopg2://meli_mlflow:p%40%20%25%3A%2F%24%23x@127.0.0.1:5432/mlflow"


def test_public_variables_hold_no_secret(load):
    settings = load("PIPELINE_DB_PASSWORD=hidden-one\nMINIO_SECRET_KEY=hidden-two\nJUPYTER_TOKEN=hidden-three")
    assert "hidden" not in str(settings.public)
    assert settings.public["EVALUATE_CHURN_MEANS"] == "stayed_away"
