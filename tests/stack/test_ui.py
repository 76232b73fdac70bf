"""What people open in a browser, asked as a browser asks: Airflow's login, a notebook's kernel, Streamlit's form."""

import http.cookiejar
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable

import websocket

from tests.stack.harness import Stack
from tests.stack.harness import http as request

Tried = Callable[[str, str], None]
KERNEL_S = 120
CELL = """
import mlflow
from ml.utils_io import connect
with connect(application_name="notebook") as conn:
    print(conn.execute("select current_user, count(*) > 0 from raw.payments").fetchone())
print([model.name for model in mlflow.MlflowClient().search_registered_models()])
"""


def may_read_dags(stack: Stack, password: str) -> bool:
    """Fill in Airflow's login form as the administrator; whether that browser may then read the list of DAGs."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    address = f"{stack.url('airflow')}/auth/login/"
    page = browser.open(address, timeout=30).read().decode()
    hidden = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert hidden, page[:500]
    fields = {"csrf_token": hidden[1], "username": "admin", "password": password}
    browser.open(address, urllib.parse.urlencode(fields).encode(), timeout=30).read()
    try:
        dags = json.load(browser.open(f"{stack.url('airflow')}/api/v2/dags", timeout=30))
    except urllib.error.HTTPError as refused:
        if refused.code != 401:
            raise
        return False
    return bool(dags["total_entries"] == 5)


def test_airflow_login_form(stack: Stack, tried: Tried) -> None:
    assert may_read_dags(stack, stack.settings["AIRFLOW_ADMIN_PASSWORD"])
    assert not may_read_dags(stack, "admin")
    tried("Airflow's login form with the demo password", "401")


def printed_by_kernel(stack: Stack, code: str) -> str:
    """What a new kernel prints for `code`, started and asked through JupyterLab's own API."""
    token = stack.jupyter_token()
    status, body = request(f"{stack.url('jupyter')}/api/kernels?token={token}", data={"name": "python3"})
    assert status == 201, body
    kernel = json.loads(body)["id"]
    address = f"{stack.url('jupyter').replace('http', 'ws')}/api/kernels/{kernel}/channels?token={token}"
    channel = websocket.create_connection(address, timeout=KERNEL_S)
    try:
        content = {"code": code, "silent": False, "allow_stdin": False, "store_history": False}
        header = {"msg_id": "cell", "msg_type": "execute_request", "session": "test", "username": "", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        channel.send(json.dumps(message))
        printed = ""
        deadline = time.monotonic() + KERNEL_S
        while time.monotonic() < deadline:
            answer = json.loads(channel.recv())
            if answer["parent_header"].get("msg_id") != "cell":
                continue
            if answer["msg_type"] == "stream":
                printed += answer["content"]["text"]
            if answer["msg_type"] == "error":
                raise AssertionError("\n".join(answer["content"]["traceback"]))
            if answer["msg_type"] == "execute_reply":
                return printed
        raise AssertionError(f"the kernel did not answer within {KERNEL_S} s; it printed {printed!r}")
    finally:
        channel.close()


def test_notebook_kernel_reaches_postgres_and_mlflow(trained: Stack, tried: Tried) -> None:
    printed = printed_by_kernel(trained, CELL)
    assert "('meli_notebook', True)" in printed
    assert "churn-logreg" in printed
    tried("a notebook's kernel, through JupyterLab's API", "reads PostgreSQL and MLflow")


def test_notebooks_run_in_the_container(trained: Stack) -> None:
    trained.airflow("dags", "test", "churn_feature_build_w", "2019-06-30")  # 60 days after those trained on
    for notebook in sorted((trained.root / "notebooks").glob("*.ipynb")):
        trained.exec("jupyter", "jupyter", "execute", f"notebooks/{notebook.name}")


def test_every_page_is_drawn_and_a_customer_has_the_score_that_the_batch_stored(trained: Stack, tried: Tried) -> None:
    trained.airflow("dags", "test", "churn_batch_score_w", "2019-05-26")  # by the version that is in Production now
    customer, score = trained.rows(
        "select customer_id, score from ops.churn_scoring where snapshot_date = '2019-05-26'"
        " order by score desc limit 1"
    )[0]
    shown = trained.pages(customer, "2019-05-26")
    assert f"{100 * score:.1f}".replace(".", ",") in shown, (score, shown)
    tried(f"the page of customer {customer}, batch score {score:.4f}", shown)
