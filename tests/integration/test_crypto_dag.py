"""The DAG of the crypto events, run by Airflow on the sample."""

import json
from datetime import date

from tests.integration.crypto_history import (
    Oracle,
    contract_folder,
    events,
    events_as_stored,
    forget,
    raw_rows,
    rejects,
)

DAG_ID = "etl_crypto_events_d"


def test_the_dag_follows_the_sample(seeded, airflow, tmp_path):
    oracle = Oracle()
    expected = oracle.run(raw_rows(seeded), date(2019, 5, 26))
    done = airflow.test(DAG_ID, "2019-05-26", seeded)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert events(seeded) == oracle.rows()
    assert set(rejects(seeded)) == oracle.rejected
    [(status, run_id, loaded)] = seeded.rows("select status, run_id, rows_loaded from ops.crypto_runs")
    assert (status, loaded) == ("published", expected["rows_loaded"])
    assert run_id != "shell"
    assert loaded > 5000

    before = events_as_stored(seeded)
    assert airflow.test(DAG_ID, "2019-05-26", seeded).returncode == 0
    assert events_as_stored(seeded) == before

    stricter = contract_folder(tmp_path, "rules:", "rules:\n  - rows: {max: 1}")
    assert airflow.test(DAG_ID, "2019-05-27", seeded, EXPECTATIONS_DIR=stricter).returncode != 0
    assert events_as_stored(seeded) == before
    [(status, message)] = seeded.rows("select status, message from ops.crypto_runs order by attempt_id desc limit 1")
    assert (status, "rows {'max': 1}" in message) == ("failed", True)


def test_the_dag_takes_its_parameters(seeded, airflow):
    done = airflow.test(DAG_ID, "2019-05-26", seeded)
    assert done.returncode == 0, done.stderr[-3000:]
    raw_ids = [row[-1] for row in events(seeded)]
    forget(seeded, *raw_ids[: len(raw_ids) // 2])
    conf = {"snapshot_date": "2019-05-20", "full_refresh": True, "force": True}
    done = airflow.run("dags", "test", DAG_ID, "2019-05-27", "--conf", json.dumps(conf), **seeded.env)
    assert done.returncode == 0, done.stderr[-3000:]
    found = seeded.rows("select kind, forced, snapshot_date::text from ops.crypto_runs order by attempt_id")
    assert found == [("full", False, "2019-05-26"), ("full", True, "2019-05-20")]
    assert sum(not row[7] for row in events(seeded)) > len(raw_ids) // 3
