"""Prepare Airflow at every start: keys (created once), database schema, and the users from `.env`."""

import base64
import contextlib
import os
import secrets
from pathlib import Path

KEYS = Path("/opt/airflow/keys")
VIEWER = "viewer"  # the gateway's user who looks; without the gateway, there is none


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


def set_user(name: str, password: str, role: str) -> None:
    """Create the user, or give it this password; `role` counts for a new one."""
    if older_line():  # it cannot reset a password
        remove_user(name)
    airflow(
        "users", "create", "--username", name, "--password", password, "--role", role,
        "--firstname", "Meli", "--lastname", role, "--email", f"{name}@localhost.localdomain",
    )  # fmt: skip
    if not older_line():
        airflow("users", "reset-password", "--username", name, "--password", password)


def remove_user(name: str) -> None:
    """Delete the user if there is one."""
    with contextlib.suppress(SystemExit):
        airflow("users", "delete", "--username", name)


def older_line() -> bool:
    """Whether this is Airflow 2.8."""
    return bool(os.environ.get("STACK"))


def main() -> None:
    """Run all steps; each may be repeated. If there is no key folder, the keys come from the environment."""
    if KEYS.is_dir():
        ensure_keys()
    airflow("db", "migrate")
    administrator = os.environ["AIRFLOW_ADMIN_USER"]
    set_user(administrator, os.environ["AIRFLOW_ADMIN_PASSWORD"], "Admin")
    if os.environ.get("GATEWAY_URL"):
        set_user(VIEWER, os.environ["GATEWAY_VIEWER_PASSWORD"], "Viewer")
    elif administrator != VIEWER:
        remove_user(VIEWER)
    if not older_line():
        from abandoned_tests import end_abandoned_tests

        airflow("pools", "set", "dags_test", "0", "Runs of `airflow dags test`: the scheduler leaves them alone")
        end_abandoned_tests()


if __name__ == "__main__":
    main()
