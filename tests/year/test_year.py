import time
from datetime import date, timedelta
from sample_data.generate import Request
from tests.integration.churn_rows import forget_models
from tests.year.history import run_year

def test_year(new_database, empty_template, mlflow_uri, tmp_path):
    forget_models(mlflow_uri)
    database = new_database(empty_template)
    database.extra_env["MLFLOW_TRACKING_URI"] = mlflow_uri
    last = date(2019, 6, 30)
    sundays = [last - timedelta(weeks=w) for w in reversed(range(52))]
    began = time.time()
    weeks = run_year(database, Request(5000, 1, date(2019, 7, 1), days=548), tmp_path, sundays, date(2019, 1, 6))
    print(time.time() - began)
    import pickle
    pickle.dump(weeks, open("/tmp/exp/weeks.pkl", "wb"))
    for w in weeks:
        m = w["monitored"]
        print(w["sunday"], w["built"]["active"], round(w["scored"]["mean_score"], 3), "v" + w["scored"]["model_version"], m["findings"], [(a["check"], a["subject"], a["value"], a["alert_above"]) for a in m["alerts"]], [(a["check"], a["subject"], a["value"]) for a in m["warnings"]], m["lasting_alerts"], w.get("promoted", {}).get("action"), w.get("asked", ({}, {}))[1].get("action"), (w.get("promoted", {}).get("reason") or "")[:120])
    assert 0
