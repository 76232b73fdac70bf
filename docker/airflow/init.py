"""Prepare Airflow at every start: keys (created once), database schema, and the administrator from `.env`."""

import base64
import contextlib
import os
import secrets
from pathlib import Path

KEYS = Path("/opt/airflow/keys")


def ensure_keys() -> None:
    """Create the keys shared by all components, once: new keys invalidate connections, sessions and running tasks."""
    made = {
        "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "jwt": secrets.token_hex(32),
        "session": secrets.token_hex(32),
    }
    for name, value in made.items():
        file = KEYS / name
        if not file.exists():
            draft = file.with_suffix(".new")
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)
            draft.write_text(value, encoding="ascii")
            draft.replace(file)


def airflow(*arguments: str) -> None:
    """Run an airflow command within this process: importing Airflow once saves half the time."""
    from airflow.cli import cli_parser

    parsed = cli_parser.get_parser().parse_args(arguments)
    parsed.func(parsed)


def main() -> None:
    """Run all steps; each may be repeated. If there is no key folder, the keys come from the environment."""
    if KEYS.is_dir():
        ensure_keys()
    airflow("db", "migrate")
    user, password = os.environ["AIRFLOW_ADMIN_USER"], os.environ["AIRFLOW_ADMIN_PASSWORD"]
    older_line = bool(os.environ.get("STACK"))
    if older_line:  # it cannot reset a password
        with contextlib.suppress(SystemExit):
            airflow("users", "delete", "--username", user)
    airflow(
        "users", "create", "--username", user, "--password", password, "--role", "Admin",
        "--firstname", "Meli", "--lastname", "Admin", "--email", f"{user}@localhost.localdomain",
    )  # fmt: skip
    if not older_line:
        from abandoned_tests import end_abandoned_tests

        airflow("users", "reset-password", "--username", user, "--password", password)
        airflow("pools", "set", "dags_test", "0", "Runs of `airflow dags test`: the scheduler leaves them alone")
        end_abandoned_tests()


if __name__ == "__main__":
    main()
