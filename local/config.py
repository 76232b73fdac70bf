"""Settings of the local stack: `.env`, and the generated secrets that are kept in `.local/secrets.json`."""

import base64
import io
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dotenv.parser import parse_stream

from local.console import Failure
from local.environments import ROOT, STATE

DEFAULT_PORTS = {
    "POSTGRES_PORT": 5432, "AIRFLOW_PORT": 8080, "MLFLOW_PORT": 5000, "STREAMLIT_PORT": 8501, "JUPYTER_PORT": 8888,
}  # fmt: skip
DEFAULTS = {"POSTGRES_DB": "meli", "POSTGRES_USER": "meli", "AIRFLOW_ADMIN_USER": "admin"}
ENGINES = ("postgres", "spark")
PASSWORDS = (
    "POSTGRES_PASSWORD", "PIPELINE_DB_PASSWORD", "READER_DB_PASSWORD", "NOTEBOOK_DB_PASSWORD",
    "CAMPAIGN_DB_PASSWORD", "AIRFLOW_DB_PASSWORD", "MLFLOW_DB_PASSWORD", "AIRFLOW_ADMIN_PASSWORD",
)  # fmt: skip
NOT_PUBLIC = ("PASSWORD", "SECRET", "TOKEN", "_KEY", "_PORT", "_MEMORY", "COMPOSE_", "MINIO_", "S3_", "WEBHOOK")
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
NAME_LIMIT = 63  # bytes of a PostgreSQL identifier; the server would silently truncate it


@dataclass(frozen=True)
class Config:
    """The checked contents of `.env`; `ports` by variable name."""

    values: dict[str, str]
    ports: dict[str, int]
    generated: dict[str, str]

    def __getitem__(self, variable: str) -> str:
        return self.values[variable]

    @property
    def uses_spark(self) -> bool:
        """Whether features and scores are computed on Spark."""
        return self.values["ENGINE"] == "spark"

    @property
    def public(self) -> dict[str, str]:
        """Variables that every process may see: no passwords, tokens or other secrets, and none for containers."""
        return {name: value for name, value in self.values.items() if not any(word in name for word in NOT_PUBLIC)}

    def connection(self, role: str, password_variable: str) -> dict[str, str]:
        """`POSTGRES_*` variables of a process that connects as `role`."""
        return {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.ports["POSTGRES_PORT"]),
            "POSTGRES_DB": self["POSTGRES_DB"],
            "POSTGRES_USER": role,
            "POSTGRES_PASSWORD": self[password_variable],
        }

    def database_url(self, role: str, password_variable: str, database: str) -> str:
        """SQLAlchemy URL of `database`; it names the driver, because the default for `postgresql://` may change."""
        password = quote(self[password_variable], safe="")
        return f"postgresql+psycopg2://{role}:{password}@127.0.0.1:{self.ports['POSTGRES_PORT']}/{database}"

    def url(self, port_variable: str) -> str:
        """Address of the service with this port."""
        return f"http://127.0.0.1:{self.ports[port_variable]}"


def load(root: Path = ROOT, state: Path = STATE) -> Config:
    """Read `.env`; a `Failure` names the variable that is missing or wrong.

    The environment of this process is ignored, but for ENGINE, which `make … ENGINE=spark` passes on: a shell prepared
    by `make env` for one role must not start the stack as that role.
    """
    values = read_env(root / ".env")
    values["ENGINE"] = os.environ.get("ENGINE") or values.get("ENGINE") or ENGINES[0]
    if values["ENGINE"] not in ENGINES:
        raise Failure(f"ENGINE={values['ENGINE']!r} is not an engine; choose {' or '.join(ENGINES)}")
    generated = _generated(state / "secrets.json")
    for variable, default in {**DEFAULTS, "JUPYTER_TOKEN": generated["jupyter_token"]}.items():
        values[variable] = values.get(variable) or default
    for variable in PASSWORDS:
        if not values.get(variable):
            raise Failure(f"{variable} is not set; give it a value in .env")
        if not values[variable].isprintable():
            raise Failure(f"{variable} in .env has a line break or another control character")
    for variable in ("POSTGRES_DB", "POSTGRES_USER"):
        if len(values[variable].encode()) > NAME_LIMIT:
            raise Failure(f"{variable}={values[variable]!r} in .env is longer than {NAME_LIMIT} bytes")
    ports: dict[str, int] = {}
    for variable, usual in DEFAULT_PORTS.items():
        text = values.get(variable) or str(usual)
        if not re.fullmatch("[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
            raise Failure(f"{variable}={text!r} in .env is not a port (1 to 65535)")
        for other in [other for other, port in ports.items() if port == int(text)]:
            raise Failure(f"{variable} and {other} in .env are both {text}; each service needs a port of its own")
        ports[variable] = int(text)
    return Config(values, ports, generated)


def read_env(file: Path) -> dict[str, str]:
    """Variables of `.env`, read as Docker Compose does; none if there is no file.

    A `Failure` names the line that is no assignment, or has a `$name` that is not defined.
    """
    values: dict[str, str] = {}
    try:
        text = file.read_text(encoding="utf-8-sig") if file.exists() else ""
    except UnicodeDecodeError as error:
        raise Failure(f".env is not UTF-8: {error}") from error
    for binding in parse_stream(io.StringIO(text)):
        name, value = binding.key, binding.value
        written, where = binding.original.string.strip(), f".env line {binding.original.line}"
        if binding.error or (name and value is None):
            raise Failure(f"{where}: {written!r} is not of the form NAME=value, or its quote is not closed")
        if name and value is not None:
            is_literal = re.search(r"=\s*'", written)
            try:
                values[name] = value if is_literal else VARIABLE.sub(lambda found: values[found[1] or found[2]], value)
            except KeyError as error:
                unknown = f"{where}: {name}: ${error.args[0]} names no variable above it"
                raise Failure(f"{unknown}; a value with a $ of its own stands in 'quotes'") from error
    return values


def write_private(file: Path, text: str) -> None:
    """Write a file atomically that only its owner can read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    draft.replace(file)


def _generated(file: Path) -> dict[str, str]:
    """Keys shared by all Airflow components, and Jupyter's token; generated once, since new ones void old data."""
    if not file.exists():
        made = {name: secrets.token_hex(32) for name in ("jwt_secret", "session_key", "jupyter_token")}
        made["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        write_private(file, json.dumps(made))
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    return kept
