"""How long the pages take with many scored customers: `python -m bench.pages --customers 1000000`.

Each page is drawn in Streamlit's own test runner, without a browser: first by a process that has drawn nothing yet,
then as a second visitor meets it.
"""

import argparse
import logging
import time
from datetime import date
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from bench.stack import owner, stack, timed

APP = Path(__file__).resolve().parent.parent / "streamlit_app" / "app.py"
SNAPSHOTS = [date(2019, 5, 19), date(2019, 5, 26)]
PAGES = ("this_week", "customer", "campaign", "batch", "model", "monitoring")
SOMEBODY = "select customer_id from ops.churn_scoring order by score desc limit 1"


def drawn(page: str, **query: str) -> tuple[AppTest, float]:
    """The page as a new visitor gets it, and the seconds that it took."""
    app = AppTest.from_file(APP, default_timeout=300)
    app.query_params.update({"page": page, "lang": "en", **query})
    started = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - started
    if app.exception or app.error:
        raise RuntimeError(f"{page}: {[each.value for each in (*app.exception, *app.error)]}")
    return app, seconds


def visit(customer_id: int) -> dict[str, Any]:
    """Seconds of the first and second visit of every page, and of one slider of the what-if."""
    logging.disable(logging.WARNING)
    found: dict[str, Any] = {}
    for page in PAGES:
        query = {"id": str(customer_id), "snapshot": str(SNAPSHOTS[-1])} if page == "customer" else {}
        found[page] = [round(drawn(page, **query)[1], 3) for _ in range(2)]
    app, _ = drawn("customer", id=str(customer_id), snapshot=str(SNAPSHOTS[-1]))
    app.slider[1].set_value(5)  # the first is the list's
    started = time.perf_counter()
    app.run()
    found["customer after a slider, the whole page"] = [round(time.perf_counter() - started, 3)]
    return found


def main() -> None:
    """Score two snapshots, then visit every page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    with stack(parser.parse_args().customers, SNAPSHOTS) as env:
        timed(env, "ml.train:train", str(SNAPSHOTS[0]), "1")
        timed(env, "ml.promote:promote")
        for snapshot in SNAPSHOTS:
            timed(env, "ml.infer_batch:score", str(snapshot))
        with owner(env) as conn:
            ((customer_id,),) = conn.execute(SOMEBODY).fetchall()
        reader = {**env, "POSTGRES_USER": "meli_reader"}
        for page, seconds in timed(reader, "bench.pages:visit", str(customer_id))["result"].items():
            print(f"{page:40} {'   '.join(f'{each:6.2f} s' for each in seconds)}")


if __name__ == "__main__":
    main()
