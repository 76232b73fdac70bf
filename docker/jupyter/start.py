"""Start JupyterLab on the mounted repository and log its link with the token."""

import os
import secrets
from pathlib import Path

HOME = Path("/home/jovyan")
WORK = HOME / "work"
LAB_CONFIG = HOME / ".jupyter" / "labconfig" / "page_config.json"
NO_NEWS = '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}\n'


def token() -> str:
    """JUPYTER_TOKEN, or one that is generated once and kept in the home volume, so that open tabs survive a restart."""
    if stated := os.environ.get("JUPYTER_TOKEN"):
        return stated
    kept = HOME / ".jupyter_token"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(24), encoding="ascii")
    return kept.read_text(encoding="ascii")


def main() -> None:
    """Run; never returns."""
    folder = WORK / "notebooks"
    if not os.access(folder if folder.exists() else WORK, os.W_OK):
        print(
            f"{folder} cannot be written by user id {os.getuid()}: notebooks open, but saving them fails. "
            f"Set NOTEBOOK_UID in .env to the owner's id ({WORK.stat().st_uid}); {HOME}/scratch can be written anyway.",
            flush=True,
        )
    (HOME / "scratch").mkdir(exist_ok=True)
    if not LAB_CONFIG.exists():  # afterwards it is the user's
        LAB_CONFIG.parent.mkdir(parents=True, exist_ok=True)
        LAB_CONFIG.write_text(NO_NEWS, encoding="utf-8")
    secret = token()
    gateway = os.environ.get("GATEWAY_URL")
    base = "/jupyter" if gateway else ""
    shown = gateway or os.environ.get("JUPYTER_URL", "http://127.0.0.1:8888")
    print(f"JupyterLab: {shown}{base}/lab?token={secret}", flush=True)
    arguments = ["jupyter", "lab", "--no-browser", "--ServerApp.ip=0.0.0.0", "--ServerApp.port=8888"]
    arguments += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={WORK}", "--ServerApp.default_url=/lab"]
    arguments += [f"--ServerApp.base_url={base}/"]
    arguments += [
        "--ServerApp.terminals_enabled=True",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    os.execvpe(arguments[0], arguments, {**os.environ, "JUPYTER_TOKEN": secret})


if __name__ == "__main__":
    main()
