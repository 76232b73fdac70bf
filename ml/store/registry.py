"""The MLflow registry: versions of the churn model, their tags, and which one is in production."""

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import mlflow
import mlflow.sklearn
import requests
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from ml.cli import CommandError, TryLater
from ml.model_config import MODEL_NAME, PRODUCTION_ALIAS, PRODUCTION_STAGE
from ml.settings import settings

FINGERPRINT_TAG = "training_fingerprint"
TRAINING_REFERENCE = "training_reference.json"
DESCRIPTION = "description.json"
PROBE_TIMEOUT_S = 30


@dataclass(frozen=True)
class ChurnVersion:
    """A registered version of the model; `tags` are described in docs/model.md."""

    version: str
    run_id: str
    stage: str | None
    tags: dict[str, str]

    def tag(self, name: str) -> Any:
        """Value of a tag that holds JSON.

        Raises:
            CommandError: the version has no such tag, so ml.train did not register it.
        """
        if name not in self.tags:
            raise CommandError(f"{MODEL_NAME} version {self.version} has no tag {name!r}: ml.train did not register it")
        return json.loads(self.tags[name])

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that the model takes, numeric ones first."""
        return (*self.tag("numeric_features"), *self.tag("categorical_features"))

    @property
    def threshold(self) -> float:
        """Score from which a customer is predicted to churn."""
        return float(self.tag("threshold"))

    @property
    def training_snapshots(self) -> list[date]:
        """Snapshot dates that the version was trained and measured on."""
        return [date.fromisoformat(day) for day in self.tag("training_snapshots")]


@contextmanager
def session() -> Iterator[MlflowClient]:
    """A client of the tracking server; failures of MLflow become errors that say what to do.

    Raises:
        TryLater: the server does not answer, or fails.
        CommandError: the server refuses the request.
    """
    uri = settings().mlflow_tracking_uri
    mlflow.set_tracking_uri(uri)
    try:
        _require_answer(uri)
        yield MlflowClient()
    except RestException as error:
        kind = TryLater if int(error.get_http_status_code()) >= 500 else CommandError
        raise kind(f"MLflow at {uri}: {error.message}") from error
    except (MlflowException, requests.RequestException) as error:
        raise TryLater(f"MLflow at {uri} failed: {str(error).splitlines()[0]}") from error


def by_number(client: MlflowClient) -> dict[str, ChurnVersion]:
    """Every version, oldest first; MLflow gives up to 10,000 at once."""
    found = client.search_model_versions(f"name = '{MODEL_NAME}'", order_by=["version_number ASC"])
    return {str(v.version): ChurnVersion(str(v.version), str(v.run_id), v.current_stage, dict(v.tags)) for v in found}


def find_by_fingerprint(client: MlflowClient, fingerprint: str) -> ChurnVersion | None:
    """The oldest version trained from the same data, code and parameters."""
    return next((found for found in by_number(client).values() if found.tags.get(FINGERPRINT_TAG) == fingerprint), None)


def newest(client: MlflowClient) -> ChurnVersion | None:
    """The version registered last."""
    return next(reversed(by_number(client).values()), None)


def get(client: MlflowClient, version: str) -> ChurnVersion:
    """The version of that number.

    Raises:
        CommandError: it is not registered; the message lists those that are.
    """
    known = by_number(client)
    if version not in known:
        raise CommandError(f"{MODEL_NAME} has no version {version!r} (registered: {', '.join(known) or 'none'})")
    return known[version]


def register(client: MlflowClient, model_uri: str, tags: dict[str, str]) -> ChurnVersion:
    """Register a logged model as the next version; version and tags appear at once."""
    registered = mlflow.register_model(model_uri, MODEL_NAME, tags=tags)
    return get(client, str(registered.version))


def production_version(client: MlflowClient) -> str | None:
    """Version that the alias `production` names."""
    known = client.search_registered_models(f"name = '{MODEL_NAME}'")
    alias = known[0].aliases.get(PRODUCTION_ALIAS) if known else None
    return None if alias is None else str(alias)


def set_production(client: MlflowClient, version: str) -> None:
    """Point the alias at `version`, then let the stage follow."""
    client.set_registered_model_alias(MODEL_NAME, PRODUCTION_ALIAS, version)
    follow_alias(client)


def follow_alias(client: MlflowClient) -> list[str]:
    """Make the version of the alias the only one in stage Production; return the versions whose stage changed."""
    aliased = production_version(client)
    changed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # stages are deprecated, but still used by consumers
        for found in by_number(client).values():
            wanted = found.version == aliased
            if (found.stage == PRODUCTION_STAGE) != wanted:
                stage = PRODUCTION_STAGE if wanted else "Archived"
                client.transition_model_version_stage(MODEL_NAME, found.version, stage)
                changed.append(found.version)
    return changed


def load(version: ChurnVersion) -> Pipeline:
    """The fitted pipeline of a version.

    Raises:
        CommandError: its files are not in the artifact store.
    """
    with _artifacts_of(version):
        return mlflow.sklearn.load_model(f"models:/{MODEL_NAME}/{version.version}")


def load_json(version: ChurnVersion, name: str) -> Any:
    """Content of a JSON file in the run of a version.

    Raises:
        CommandError: it is not in the artifact store.
    """
    with _artifacts_of(version):
        return mlflow.artifacts.load_dict(f"runs:/{version.run_id}/{name}")


@contextmanager
def _artifacts_of(version: ChurnVersion) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, ImportError, AttributeError, EOFError, MlflowException) as error:
        if isinstance(error, MlflowException) and error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            raise
        raise CommandError(f"{MODEL_NAME} version {version.version} cannot be loaded: {error}") from error


def training_reference(version: ChurnVersion) -> dict[str, Any] | None:
    """Distributions of the training rows of a version; None if it has none: it is older, or its files are lost."""
    with suppress(CommandError):
        found: dict[str, Any] = load_json(version, TRAINING_REFERENCE)
        return found
    return None


def _require_answer(uri: str) -> None:
    """Fail at once if the server is down: the client would try for four minutes."""
    try:
        if uri.startswith("http"):
            requests.get(f"{uri}/health", timeout=PROBE_TIMEOUT_S).raise_for_status()
    except requests.RequestException as error:
        raise TryLater(
            f"MLflow at {uri} does not answer; start the stack (make up, make local-up) or set MLFLOW_TRACKING_URI"
        ) from error
