"""The supervisor of this checkout, a detached supervisord: its configuration, and the calls to it."""

import contextlib
import json
import os
import time
from collections.abc import Sequence
from http.client import HTTPException
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from local import processes
from local.config import write_private
from local.console import run
from local.environments import ROOT, RUN, python_of
from local.services import LOGS, Service, base_environment

# Relative to the repository's root, where both sides run: the path of a Unix socket has at most 104 bytes on macOS.
SOCKET = ".local/run/supervisor.sock"
CONFIG = RUN / "supervisord.conf"
DAEMON = f"""\
[unix_http_server]
file={SOCKET}
chmod=0600

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
logfile=.local/log/supervisord.log
pidfile=.local/run/supervisord.pid
"""
# The definition is a variable so that the supervisor notices a change; the settings of a service are in its file.
PROGRAM = """
[program:{name}]
command=.local/venv/ml/bin/python -m local.serve {name}
environment=DEFINITION={definition}
autostart=false
autorestart=true
startsecs=10
startretries=10
stopsignal={stop_signal}
stopwaitsecs={stop_s}
redirect_stderr=true
stdout_logfile=.local/log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""
UP = ("STARTING", "RUNNING")
AT_WORK = (*UP, "BACKOFF", "STOPPING")


def call(method: str, *arguments: Any) -> Any:
    """Answer of the daemon's XML-RPC method.

    Raises:
        OSError, HTTPException: the daemon does not run.
    """
    os.chdir(ROOT)
    with ServerProxy("http://localhost", transport=SupervisorTransport(None, None, f"unix://{SOCKET}")) as daemon:
        return getattr(daemon.supervisor, method)(*arguments)


def states() -> dict[str, tuple[str, int]]:
    """State and process id (0: none) of every service; empty if the daemon does not run."""
    try:
        return {each["name"]: (each["statename"], each["pid"]) for each in call("getAllProcessInfo")}
    except (OSError, HTTPException, Error):  # no socket, no daemon behind it, or it is shutting down
        return {}


def state(name: str) -> str:
    """State of one service, by supervisor's names."""
    return states().get(name, ("STOPPED", 0))[0]


def is_current(service: Service) -> bool:
    """Whether the service was last started with its current definition."""
    try:
        return bool(json.loads(service.file.read_text(encoding="utf-8"))["definition"] == service.definition)
    except (OSError, ValueError, KeyError):
        return False


def configure(services: Sequence[Service]) -> None:
    """Write the definitions of the services, and start the daemon or make it read the changes."""
    for service in services:
        write_private(service.file, json.dumps(service.written))
    programs = [PROGRAM.format(**vars(service), definition=service.definition) for service in services]
    write_private(CONFIG, DAEMON + "".join(programs))
    if states():
        ((added, changed, removed),) = call("reloadConfig")
        for name in (*changed, *removed):
            call("stopProcessGroup", name)
            call("removeProcessGroup", name)
        for name in (*added, *changed):
            call("addProcessGroup", name)
        return
    LOGS.mkdir(parents=True, exist_ok=True)
    command = [str(python_of("ml")), "-m", "supervisor.supervisord", "-c", str(CONFIG)]
    env = {**base_environment(), processes.MARK: str(RUN / "supervisord")}
    run(command, "the supervisor did not start", cwd=ROOT, env=env)


def start(name: str) -> None:
    """Start a service if it does not run."""
    if state(name) not in UP:
        call("startProcess", name, False)


def ask_to_stop(name: str) -> None:
    """Ask a service to end, if it runs, without waiting for it."""
    if state(name) in AT_WORK:
        with contextlib.suppress(Fault):  # it has already ended
            call("stopProcess", name, False)


def stop(name: str) -> None:
    """Stop a service and its child processes; the daemon kills it if it takes too long to end."""
    ask_to_stop(name)
    while state(name) == "STOPPING":
        time.sleep(0.1)
    processes.end(processes.marked(str(RUN / f"{name}.json")))


def shut_down() -> None:
    """End the daemon, if it runs, and all processes that it or a killed daemon has left."""
    daemons = processes.marked(str(RUN / "supervisord"))
    processes.end(daemons, patience_s=processes.END_S)
    processes.end(processes.marked(f"{RUN}/"), patience_s=processes.END_S)
