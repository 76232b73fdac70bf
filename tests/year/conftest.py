"""The PostgreSQL and MLflow of the integration tests."""

from tests.integration.conftest import cluster, empty_template, mlflow_uri, new_database

__all__ = ["cluster", "empty_template", "mlflow_uri", "new_database"]
