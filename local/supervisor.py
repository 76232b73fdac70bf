"""The supervisor of this checkout, a detached supervisord: its configuration, and the calls to it."""

import contextlib
import time
from http.client import HTTPException
from typing import Any
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from local import processes
from local.config import write_private
from local.console import run
from local.environments import ROOT, RUN, python_of
from local.services import LOGS, Service, base_environment

# Relative to the repository's root, where both sides run: the path of a Unix socket has at most 104 bytes on macOS.
SOCKET = ".local/run/supervisor.sock"
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
PROGRAM = """
[program:{name}]
command=.local/venv/ml/bin/python -m local.serve {name}
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
NO_DAEMON = (OSError, HTTPException, Error)  # no socket, nobody behind it, or the daemon is shutting down
UP = ("STARTING", "RUNNING")


def call(method: str, *arguments: Any) -> Any:
    """Answer of the daemon's XML-RPC method; raises one of `NO_DAEMON` if there is none."""
    with ServerProxy("http://localhost", transport=SupervisorTransport(None, None, f"unix://{SOCKET}")) as daemon:
        return getattr(daemon.supervisor, method)(*arguments)


def states() -> dict[str, tuple[str, int]]:
    """State, by supervisor's names, and process id (0: none) of every service; empty if the daemon does not run."""
    try:
        return {each["name"]: (each["statename"], each["pid"]) for each in call("getAllProcessInfo")}
    except NO_DAEMON:
        return {}


def is_current(service: Service) -> bool:
    """Whether the service runs as it is defined now."""
    state, _ = states().get(service.name, ("STOPPED", 0))
    return state in UP and service.is_current


def start_daemon(services: list[Service]) -> None:
    """Start the daemon; it starts no service by itself."""
    programs = [PROGRAM.format(**vars(service)) for service in services]
    write_private(RUN / "supervisord.conf", DAEMON + "".join(programs))
    LOGS.mkdir(parents=True, exist_ok=True)
    command = [str(python_of("ml")), "-m", "supervisor.supervisord", "-c", str(RUN / "supervisord.conf")]
    env = {**base_environment(), processes.MARK: str(RUN / "supervisord")}
    run(command, "the supervisor did not start", cwd=ROOT, env=env)


def start(service: Service) -> None:
    """Start a service as it is defined now, unless it runs so."""
    if not is_current(service):
        write_private(service.file, service.definition)
        call("startProcess", service.name, False)


def ask_to_stop(name: str) -> None:
    """Ask a service to end, if it runs, without waiting for it."""
    with contextlib.suppress(*NO_DAEMON):  # or it has already ended
        call("stopProcess", name, False)


def stop(name: str) -> None:
    """Stop a service and its child processes; the daemon kills it if it takes too long to end."""
    ask_to_stop(name)
    while states().get(name, ("", 0))[0] == "STOPPING":
        time.sleep(0.1)
    processes.kill(lambda: processes.marked(str(RUN / f"{name}.json")))


def shut_down() -> None:
    """Kill the daemon, which keeps nothing, and then all processes that it or a killed daemon has left."""
    processes.kill(lambda: processes.marked(str(RUN / "supervisord")))
    processes.kill(lambda: processes.marked(f"{RUN}/"))
