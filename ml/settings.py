"""The one place that reads the environment."""

from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Connection settings and switches of the pipeline, from environment variables of the same name in upper case."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)

    postgres_host: str = "127.0.0.1"
    postgres_port: int = 5432
    postgres_db: str = "meli"
    postgres_user: str = "meli_pipeline"
    postgres_password: SecretStr = SecretStr("")
    mlflow_tracking_uri: str = "http://127.0.0.1:5000"
    csv_dir: str = ""
    extraction_month: str = ""
    payments_known_through: str = ""
    evaluate_cutoff: str = ""
    model_demographics: Literal["yes", "no"] = "no"
    evaluate_churn_means: Literal["stayed_away", "came_back"] = "stayed_away"
    expectations_dir: Path = Path(__file__).resolve().parent.parent / "airflow" / "include" / "expectations"
    crypto_max_deactivated_share: float = Field(default=0.2, ge=0, le=1)
    campaign_db_user: str = "meli_campaign"
    campaign_db_password: SecretStr = SecretStr("")
    campaign_holdout_share: float = Field(default=0.05, ge=0, le=0.5)
    engine: Literal["postgres", "spark"] = "postgres"
    lake_url: str = ""
    s3_endpoint_url: str = ""
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_region: str = "us-east-1"
    spark_master_url: str = "local[*]"
    spark_driver_memory: str = "2g"
    spark_executor_memory: str = "2g"
    pyspark_python: str = ""
    git_commit: str = "unknown"
    pipeline_run_id: str = "shell"
    pipeline_run_type: str = "manual"
    who: str = ""
    app_login: Literal["", "gateway"] = ""

    @property
    def is_scheduled_run(self) -> bool:
        """Whether the scheduler started this command, rather than a person, a trigger or a backfill."""
        return self.pipeline_run_type.lower().endswith("scheduled")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Read the environment once per process.

    Raises:
        pydantic.ValidationError: a value does not have the type of its variable; the message names the variable.
    """
    return Settings()
