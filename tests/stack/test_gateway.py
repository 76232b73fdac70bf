"""The door of a team's stack, from another network namespace: who gets in, who may change what, what passes through."""

import base64
import contextlib
import ctypes
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import websocket
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.stack.harness import Stack, wait_for

Tried = Callable[[str, str], None]
PAGES = ("/", "/start.css", "/app/", "/mlflow/", "/airflow/", "/jupyter/lab", "/minio/", "/health/mlflow")
SEARCH = "/mlflow/api/2.0/mlflow/experiments/search"
CREATE = "/mlflow/api/2.0/mlflow/experiments/create"
UPLOAD_MB = 240


@contextlib.contextmanager
def inside(namespace: str) -> Iterator[None]:
    """Open this thread's sockets in a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as own, Path(f"/run/netns/{namespace}").open() as other:
        for_network = 0x40000000  # CLONE_NEWNET
        if libc.setns(other.fileno(), for_network) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            libc.setns(own.fileno(), for_network)


@dataclass
class Answer:
    """Of a request: `body` as text."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Door:
    """The gateway as another machine sees it."""

    stack: Stack
    namespace: str
    host: str
    port: int
    trusted: ssl.SSLContext

    def ask(
        self, path: str, user: str = "", *, password: str | None = None, method: str = "GET", data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send `path` as it is, as `user` with their own password or another; `data` as JSON unless it is bytes."""
        sent = {"Content-Type": "application/json", **(self.login(user, password) if user else {}), **(headers or {})}
        body = data if data is None or isinstance(data, bytes) else json.dumps(data).encode()
        with inside(self.namespace):
            conn = http.client.HTTPSConnection(self.host, self.port, context=self.trusted, timeout=120)
            try:
                conn.request("POST" if body is not None and method == "GET" else method, path, body, sent)
                answer = conn.getresponse()
                found = answer.read().decode(errors="replace")
                return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, found)
            finally:
                conn.close()

    def login(self, user: str, password: str | None = None) -> dict[str, str]:
        """The header that a browser sends after asking for name and password."""
        own = self.stack.settings.get(f"GATEWAY_{user.upper()}_PASSWORD", "")
        pair = f"{user}:{own if password is None else password}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def session(self, user: str) -> str:
        """The cookie that a first request gets."""
        return self.ask("/", user).headers["set-cookie"].split(";")[0]

    def socket(self, path: str, headers: Mapping[str, str], **options: Any) -> websocket.WebSocket:
        """An open websocket."""
        with inside(self.namespace):
            return websocket.create_connection(
                f"wss://{self.host}:{self.port}{path}", header=dict(headers), timeout=120,
                origin=f"https://{self.host}:{self.port}", sslopt={"context": self.trusted}, **options,
            )  # fmt: skip


@pytest.fixture(scope="module")
def door(stack: Stack, outside: tuple[str, str]) -> Door:
    """The gateway from the other end of the cable, by its certificate authority's certificate."""
    stack.run("make", "gateway-ca")
    trusted = ssl.create_default_context(cafile=stack.root / "gateway-ca.crt")
    return Door(stack, outside[0], stack.settings["BIND_ADDRESS"], stack.port("gateway"), trusted)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_without_a_login(door: Door, path: str, tried: Tried) -> None:
    answer = door.ask(path)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert "set-cookie" not in answer.headers
    tried(f"gateway without a login: {path}", "401")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("viewer", "wrong"), ("viewer", ""), ("operator", "operator"), ("admin", "admin"), ("Operator", None),
        ("operator\0", "x"),
    ],
)  # fmt: skip
def test_wrong_password_is_refused(door: Door, user: str, password: str | None, tried: Tried) -> None:
    assert door.ask("/", user, password=password).status == 401
    tried(f"gateway as {user!r} with password {password!r}", "401")


def test_a_viewers_password_does_not_make_an_operator(door: Door) -> None:
    assert door.ask("/", "operator", password=door.stack.settings["GATEWAY_VIEWER_PASSWORD"]).status == 401


def test_a_session_replaces_the_password_and_cannot_be_made_up(door: Door, tried: Tried) -> None:
    cookie = door.session("viewer")
    assert door.ask("/mlflow/", headers={"Cookie": f"other=1; {cookie}"}).status == 200
    assert door.ask("/jupyter/lab", headers={"Cookie": cookie}).status == 403
    for forged in (
        cookie[:-1],
        f"{cookie}0",
        "__Host-gateway=viewer",
        "__Host-gateway=",
        cookie.replace("__Host-", ""),
    ):
        assert door.ask("/mlflow/", headers={"Cookie": forged}).status == 401
    answer = door.ask("/", "viewer").headers["set-cookie"]
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(answer.split("; "))
    tried("gateway with its session cookie, and with five made-up ones", "200, 401")


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/app/", 200), ("/mlflow/", 200), ("/airflow/", 200),
                                              ("/jupyter/lab", 403), ("/jupyter", 403), ("/minio/", 403)])  # fmt: skip
def test_what_a_viewer_may_open(door: Door, path: str, status: int, tried: Tried) -> None:
    answer = door.ask(path, "viewer")
    if answer.status == 302:
        answer = door.ask(answer.headers["location"], "viewer")
    assert answer.status == status
    tried(f"viewer opens {path}", str(status))


def test_an_operator_opens_every_service(door: Door, tried: Tried) -> None:
    token = door.stack.jupyter_token()
    for path, word in {
        "/app/": "Streamlit", "/mlflow/": "MLflow", "/airflow/": 'href="/airflow/"',
        f"/jupyter/lab?token={token}": "JupyterLab", "/minio/": '<base href="/minio/"',
    }.items():  # fmt: skip
        answer = door.ask(path, "operator")
        assert (answer.status, word in answer.body) == (200, True), (path, answer.status, answer.body[:500])
    tried("operator opens the five services", "200, each with its own page")


API, PAGE_API = "/mlflow/api/2.0/mlflow", "/mlflow/ajax-api/2.0/mlflow"
CHANGES = [
    ("POST", CREATE), ("POST", f"{PAGE_API}/runs/create"), ("PUT", "/mlflow/api/2.0/mlflow-artifacts/artifacts/x"),
    ("DELETE", f"{API}/registered-models/delete"), ("PATCH", f"{API}/model-versions/update"),
    ("POST", f"{API}/model-versions/transition-stage"), ("POST", f"{PAGE_API}/upload-artifact"),
    ("POST", f"{API}/registered-models/alias"), ("POST", f"{PAGE_API}/gateway-proxy"),
    ("POST", f"{SEARCH}/../create"), ("POST", f"{SEARCH}/%2e%2e/create"), ("POST", f"{SEARCH}%2f..%2fcreate"),
    ("POST", CREATE.replace("/api", "//api")), ("POST", f"{CREATE}?/graphql"), ("POST", f"{CREATE}%00/search"),
    ("POST", CREATE.replace("/api", "/graphql/../api")), ("post", CREATE), ("PROPFIND", CREATE),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_viewer_changes_nothing_in_mlflow(door: Door, method: str, path: str, tried: Tried) -> None:
    answer = door.ask(path, "viewer", method=method, data={"name": "by a viewer"})
    assert answer.status in (400, 403), answer
    assert "mlflow" not in answer.body.lower(), "MLflow itself has answered"
    tried(f"viewer: {method} {path}", str(answer.status))


def test_a_page_of_mlflow_searches_for_a_viewer_and_creates_for_an_operator(door: Door, tried: Tried) -> None:
    own = {"Origin": f"https://{door.host}:{door.port}"}
    for path in (SEARCH, SEARCH.replace("/api/", "/ajax-api/")):
        found = json.loads(door.ask(path, "viewer", data={"max_results": 9}, headers=own).body)["experiments"]
        assert "by a viewer" not in {experiment["name"] for experiment in found}
    assert door.ask(CREATE, "operator", data={"name": f"door-{time.time_ns()}"}, headers=own).status == 200
    tried("viewer searches MLflow's experiments, operator creates one", "200")


CLIENT = """
import mlflow
mlflow.set_experiment("through the gateway")
with mlflow.start_run() as run:
    mlflow.log_text("there", "folder/probe.txt")
print(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/folder/probe.txt"))
"""


def test_mlflows_client_through_the_gateway(door: Door, tried: Tried) -> None:
    told = {
        "TRACKING_URI": f"https://{door.host}:{door.port}/mlflow", "TRACKING_USERNAME": "operator",
        "TRACKING_PASSWORD": door.stack.settings["GATEWAY_OPERATOR_PASSWORD"],
        "TRACKING_SERVER_CERT_PATH": str(door.stack.root / "gateway-ca.crt"), "HTTP_REQUEST_MAX_RETRIES": "1",
    }  # fmt: skip
    env = {**os.environ, **{f"MLFLOW_{name}": value for name, value in told.items()}}
    command = ["ip", "netns", "exec", door.namespace, sys.executable, "-c", CLIENT]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("there\n")
    tried("MLflow's Python client as operator: log and read an artifact", "done")


@pytest.mark.parametrize(
    "path",
    [
        "/mlflow/../jupyter/lab", "/mlflow/%2e%2e/jupyter/lab", "/mlflow/.%2E/jupyter/lab", "/mlflow/..%2fjupyter/lab",
        "/mlflow%2f..%2fjupyter%2flab", "//jupyter/lab", "/mlflow//jupyter/lab", "/.//jupyter/lab",
        "/mlflow/..;/jupyter/lab",
        "/mlflow/..\\jupyter/lab", "/mlflow/..%5cjupyter/lab", "/./jupyter/lab", "/%6aupyter/lab", "/JUPYTER/lab",
        "/jupyter%2flab", "/mlflow/%252e%252e/jupyter/lab", "/mlflow/%00/../jupyter/lab", "/airflow/execution/health",
        "/airflow/%65xecution/health", "/airflow/../mlflow/", "/app/../minio/",
    ],
)  # fmt: skip
def test_path_tricks_lead_nowhere(door: Door, path: str, tried: Tried) -> None:
    answer = door.ask(path, "viewer")
    assert answer.status in (400, 403, 404), answer
    assert "JupyterLab" not in answer.body
    assert door.ask(path).status in (400, 401)
    tried(f"viewer: {path}", str(answer.status))


@pytest.mark.parametrize("host", ["evil.example", "mlflow:5000", "localhost.evil.example"])
def test_another_hosts_name_is_not_served(door: Door, host: str) -> None:
    answer = door.ask("/", "operator", headers={"Host": host})
    assert (answer.status, answer.body) == (421, "")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://{host}:{port}", "https://{host}"])
def test_another_sites_page_cannot_use_a_visitors_login(door: Door, origin: str, tried: Tried) -> None:
    headers = {"Cookie": door.session("operator"), "Origin": origin.format(host=door.host, port=door.port)}
    assert door.ask(SEARCH, data={"max_results": 1}, headers=headers).status == 403
    tried(f"a page of {origin} with an operator's session", "403")


def test_the_start_page_speaks_two_languages_and_asks_nobody_else(door: Door, tried: Tried) -> None:
    english, spanish = door.ask("/?lang=en", "viewer"), door.ask("/", "operator", headers={"Accept-Language": "es-AR"})
    assert "You are <strong>viewer</strong>" in re.sub(r"\s+", " ", english.body)
    assert "Entraste como <strong>operator</strong>" in re.sub(r"\s+", " ", spanish.body)
    assert 'href="/jupyter' in spanish.body
    assert 'href="/jupyter' not in english.body
    page = english.body + door.ask("/start.css", "viewer").body + door.ask("/start.js", "viewer").body
    assert re.findall(r"https?://\S+|(?:src|href)=\"//\S+", page) == []
    asked = re.findall(r'data-health="([^"]+)"', english.body)
    assert {path: door.ask(path, "viewer").status for path in asked} == dict.fromkeys(asked, 200)
    assert len(asked) == 5
    tried("start page: both languages, no other site, state of five services", "all answer")


def printed_by_kernel(channel: websocket.WebSocket, code: str) -> str:
    """What a kernel prints for `code`, through its open channel."""
    header = {"msg_id": "cell", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"}
    content = {"code": code, "silent": False, "allow_stdin": False, "store_history": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    channel.send(json.dumps(message))
    while True:
        answer = json.loads(channel.recv())
        if answer["parent_header"].get("msg_id") == "cell" and answer["msg_type"] == "stream":
            return str(answer["content"]["text"])


def test_a_notebooks_kernel_answers_through_the_gateway(door: Door, tried: Tried) -> None:
    # JupyterLab's page sends the token as Authorization, so the session alone opens the gateway.
    headers = {"Cookie": door.session("operator"), "Authorization": f"token {door.stack.jupyter_token()}"}
    started = door.ask("/jupyter/api/kernels", data={"name": "python3"}, headers=headers)
    assert started.status == 201, started.body
    channel_path = f"/jupyter/api/kernels/{json.loads(started.body)['id']}/channels"
    channel = door.socket(channel_path, headers)
    try:
        assert printed_by_kernel(channel, "print(6 * 7)") == "42\n"
    finally:
        channel.close()
        door.ask(channel_path.removesuffix("/channels"), method="DELETE", headers=headers)
    for refused in ({}, {**headers, "Cookie": door.session("viewer")}):
        with pytest.raises(websocket.WebSocketBadStatusException):
            door.socket(channel_path, refused)
    tried("a kernel's websocket: operator, viewer, nobody", "answers, refused, refused")


def streamlit_session(channel: websocket.WebSocket) -> str:
    """Ask for the page and return the id of the session in which it runs."""
    channel.send_binary(BackMsg(rerun_script=ClientState()).SerializeToString())
    while True:
        message = ForwardMsg.FromString(channel.recv())
        if message.HasField("new_session"):
            return str(message.new_session.initialize.session_id)


def test_streamlit_runs_its_page_and_takes_a_large_file_through_the_gateway(door: Door, tried: Tried) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException):
        door.socket("/app/_stcore/stream", {}, subprotocols=["streamlit"])
    cookie = door.session("viewer")
    host_config = door.ask("/app/_stcore/host-config", headers={"Cookie": cookie})
    assert host_config.status == 200
    channel = door.socket("/app/_stcore/stream", {"Cookie": cookie}, subprotocols=["streamlit"])
    try:
        session = streamlit_session(channel)
        xsrf = re.search(
            r"_streamlit_xsrf=([^;]+)",
            door.ask("/app/_stcore/health", headers={"Cookie": cookie}).headers["set-cookie"],
        )
        assert xsrf
        content = os.urandom(1 << 20) * UPLOAD_MB
        parts = (
            b'--cut\r\nContent-Disposition: form-data; name="f"; filename="f.csv"\r\n\r\n',
            content,
            b"\r\n--cut--\r\n",
        )
        start = time.monotonic()
        sent = door.ask(
            f"/app/_stcore/upload_file/{session}/one", method="PUT", data=b"".join(parts),
            headers={
                "Content-Type": "multipart/form-data; boundary=cut", "X-Xsrftoken": xsrf[1],
                "Cookie": f"{cookie}; _streamlit_xsrf={xsrf[1]}",
            },
        )  # fmt: skip
        assert sent.status == 204, (sent.status, sent.body[:300])
    finally:
        channel.close()
    tried(f"a file of {UPLOAD_MB} MB into Streamlit, through the gateway", f"{time.monotonic() - start:.1f} s")


def test_jupyterlab_takes_a_large_file_through_the_gateway(door: Door, tried: Tried) -> None:
    headers = {"Cookie": door.session("operator"), "Authorization": f"token {door.stack.jupyter_token()}"}
    path, name = "/jupyter/api/contents/large.bin", "large.bin"
    start = time.monotonic()
    content = "0123456789abcdef" * (UPLOAD_MB << 16)
    saved = door.ask(path, method="PUT", data={"type": "file", "format": "text", "content": content}, headers=headers)
    try:
        assert saved.status == 201, (saved.status, saved.body[:300])
        assert json.loads(saved.body)["size"] == UPLOAD_MB << 20
    finally:
        (door.stack.root / name).unlink(missing_ok=True)
    tried(f"a file of {UPLOAD_MB} MB into JupyterLab, through the gateway", f"{time.monotonic() - start:.1f} s")


def test_airflow_lets_the_viewer_look_and_no_more(door: Door, tried: Tried) -> None:
    login = {"Cookie": door.session("viewer")}
    password = door.stack.settings["GATEWAY_VIEWER_PASSWORD"]
    token = door.ask("/airflow/auth/token", data={"username": "viewer", "password": password}, headers=login)
    assert token.status == 201, token.body
    headers = {**login, "Authorization": f"Bearer {json.loads(token.body)['access_token']}"}
    assert json.loads(door.ask("/airflow/api/v2/dags", headers=headers).body)["total_entries"] == 5
    run = {"logical_date": "2019-05-26T00:00:00Z", "conf": {}}
    started = door.ask("/airflow/api/v2/dags/churn_feature_build_w/dagRuns", data=run, headers=headers)
    assert started.status == 403, started.body
    tried("Airflow through the gateway as its viewer: list of DAGs, a run", "200, 403")


def test_airflows_own_login_is_reached_below_its_path(door: Door) -> None:
    login = {"Cookie": door.session("viewer")}
    sent_on = door.ask("/airflow/api/v2/auth/login", headers=login)
    assert sent_on.headers["location"].startswith("/airflow/auth/login")
    page = door.ask("/airflow/auth/login/", headers=login)
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.body)
    assert hidden, page.body[:500]
    form = urlencode(
        {"csrf_token": hidden[1], "username": "viewer", "password": door.stack.settings["GATEWAY_VIEWER_PASSWORD"]}
    )
    kept = page.headers["set-cookie"].split(";")[0]
    headers = {"Cookie": f"{login['Cookie']}; {kept}", "Content-Type": "application/x-www-form-urlencoded"}
    headers["Referer"] = f"https://{door.host}:{door.port}/airflow/auth/login/"
    done = door.ask("/airflow/auth/login/", data=form.encode(), headers=headers)
    assert done.status == 302
    assert done.headers["location"].startswith("/airflow/")
    assert "_token=" in done.headers["set-cookie"] or "session=" in done.headers["set-cookie"]


def test_minios_console_keeps_its_own_login(door: Door) -> None:
    for password, status in ((door.stack.settings["MINIO_ROOT_PASSWORD"], 204), ("minioadmin", 401)):
        keys = {"accessKey": "minioadmin", "secretKey": password}
        answer = door.ask("/minio/api/v1/login", "operator", data=keys)
        assert answer.status == status
    assert "path=/minio/" in door.ask(
        "/minio/api/v1/login", headers={"Cookie": door.session("operator")},
        data={"accessKey": "minioadmin", "secretKey": door.stack.settings["MINIO_ROOT_PASSWORD"]},
    ).headers["set-cookie"].lower()  # fmt: skip


ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(json.dumps([self.path, list(self.headers.items())]).encode())
http.server.HTTPServer(("", 5000), Echo).serve_forever()
"""
APP = """
import streamlit as st
from streamlit_app.access import may_change
st.text("may change" if may_change() else "may look")
"""


@pytest.fixture(scope="module")
def second(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A gateway with its owner's certificate, before a page that says what its visitor may do and an echo."""
    stack, project = door.stack, f"{door.stack.project}-second"
    folder = tmp_path_factory.mktemp("second")
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    cert, key = folder / "cert.pem", folder / "key.pem"
    made = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=team -addext"
        f" subjectAltName=IP:{door.host} -keyout {key} -out {cert}"
    )
    subprocess.run(made.split(), check=True, capture_output=True)
    key.chmod(0o644)
    (folder / "app.py").write_text(APP, encoding="utf-8")
    image = {service: stack.container(service)["Config"]["Image"] for service in ("gateway", "streamlit")}
    with socket.create_server((door.host, 0)) as probe:
        port = probe.getsockname()[1]
    told = {name: value for name, value in stack.settings.items() if name.startswith("GATEWAY_")}
    run = {
        "mlflow": [image["streamlit"], "python", "-c", ECHO],
        "streamlit": [
            "-e", "APP_LOGIN=gateway", "-v", f"{folder}:/opt/app:ro", "-v", f"{stack.root}/ml:/opt/meli/ml:ro",
            "-v", f"{stack.root}/streamlit_app:/opt/meli/streamlit_app:ro", image["streamlit"],
            "streamlit", "run", "/opt/app/app.py", "--server.headless=true", "--browser.gatherUsageStats=false",
        ],
        "gateway": [
            *(part for variable, value in told.items() for part in ("-e", f"{variable}={value}")),
            "-v", f"{cert}:/run/gateway/cert.pem:ro", "-v", f"{key}:/run/gateway/key.pem:ro",
            "-p", f"{door.host}:{port}:8443", image["gateway"],
        ],
    }  # fmt: skip
    try:
        stack.run("docker", "network", "create", project)
        for part, options in run.items():
            named = ("--name", f"{project}-{part}", "--network", project, "--network-alias", part)
            stack.run("docker", "run", "-d", *named, *options)
        opened = Door(stack, door.namespace, door.host, port, ssl.create_default_context(cafile=cert))
        wait_for("the second gateway", lambda: opened.ask("/health/app", "viewer").status == 200, 60)
        yield opened
    finally:
        for part in run:
            stack.run("docker", "rm", "-f", "-v", f"{project}-{part}", check=False)
        stack.run("docker", "network", "rm", project, check=False)


FORGED = {"X-Gateway-Role": "operator", "X-Gateway-User": "operator", "x-gateway-ROLE": "operator"}


def test_a_service_learns_the_role_and_no_password(second: Door, tried: Tried) -> None:
    path, headers = json.loads(second.ask("/mlflow/some/page?x=1", "viewer", headers=FORGED).body)
    assert path == "/some/page?x=1"
    said = [(name.lower(), value) for name, value in headers]
    assert [value for name, value in said if name in ("x-gateway-role", "x-gateway-user")] == ["viewer", "viewer"]
    assert "authorization" not in dict(said)
    session = second.session("operator")
    both = {"Cookie": f"a=1; {session}; b=2", **second.login("viewer"), **FORGED}
    got = {name.lower(): value for name, value in json.loads(second.ask("/mlflow/", headers=both).body)[1]}
    assert (got["x-gateway-role"], "authorization" in got) == ("operator", False)
    assert session.split("=")[1] not in got["cookie"]
    assert {"a=1", "b=2"} <= set(got["cookie"].split("; "))
    own = json.loads(second.ask("/mlflow/", headers={"Cookie": session, "Authorization": "Bearer mine"}).body)[1]
    assert dict(own)["Authorization"] == "Bearer mine"
    tried("role and user headers sent by a client", "replaced by the gateway's; no password or session is passed on")


def test_a_service_that_is_down_is_seen_as_down(second: Door) -> None:
    assert second.ask("/health/app", "viewer").status == 200
    gone = second.ask("/health/jupyter", "viewer")
    assert (gone.status, gone.body) == (502, "502 Bad Gateway")


@pytest.mark.parametrize(("user", "shown"), [("viewer", "may look"), ("operator", "may change")])
def test_the_app_knows_who_may_change_things(second: Door, user: str, shown: str, tried: Tried) -> None:
    headers = {"Cookie": second.session(user), **(FORGED if user == "viewer" else {})}
    channel = second.socket("/app/_stcore/stream", headers, subprotocols=["streamlit"])
    try:
        channel.send_binary(BackMsg(rerun_script=ClientState()).SerializeToString())
        while (text := ForwardMsg.FromString(channel.recv()).delta.new_element.text.body) == "":
            pass
    finally:
        channel.close()
    assert text == shown
    tried(f"the app behind the gateway, visited by {user}", text)


def test_no_password_or_session_is_in_the_log(door: Door) -> None:
    session = door.session("viewer")
    door.ask("/mlflow/?token=secret-token", headers={"Cookie": session})
    log = door.stack.compose("logs", "--no-log-prefix", "gateway")
    text = log.stdout + log.stderr
    assert '"user":"viewer"' in text
    for secret in (session.split("=")[1], door.login("viewer")["Authorization"].split()[1], "secret-token"):
        assert secret not in text
