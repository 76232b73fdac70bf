"""Prints what the demo has made: rows loaded, churn rate, the model and its quality, customers at risk, addresses."""

import json
import urllib.request
from typing import Any

from local import databases
from local.config import Config
from local.console import say
from local.postgres import Cluster
from local.replay import Plan

MODEL = "churn-logreg"
ALIAS = "production"
CUSTOMERS_SHOWN = 10
METRICS = ("heldout_roc_auc", "heldout_average_precision", "heldout_brier", "heldout_log_loss")
LOADS = """
select coalesce(json_agg(last order by last.table_name), '[]')
from (
    select distinct on (table_name) table_name, file_name, status, rows_loaded, rows_rejected, message
    from ops.raw_loads
    where status <> 'unchanged'
    order by table_name, load_id desc
) as last
"""
CHURN_RATE = """
select json_build_object('rows', count(*), 'churned', count(*) filter (where labeled_churn = 1))
from features.churn_weekly_features
where snapshot_date = :'snapshot_date' and labeled_churn is not null and label_source <> 'inactive_60d'
"""
AT_RISK = """
select coalesce(json_agg(row_to_json(ranked) order by ranked.score desc, ranked.customer_id), '[]')
from (
    select s.customer_id, s.score, s.model_version, f.days_since_activity, f.payments_90d
    from ops.churn_scoring as s
    join features.churn_weekly_features as f using (customer_id, snapshot_date)
    where s.snapshot_date = :'snapshot_date'
    order by s.score desc, s.customer_id
    limit :'customers'
) as ranked
"""


def show(config: Config, plan: Plan) -> None:
    """Print the summary of a replay."""
    server = databases.cluster(config)
    show_loads(server, config)
    scored = plan.snapshots[-1]

    def ask(query: str) -> Any:
        variables = ("-v", f"snapshot_date={scored}", "-v", f"customers={CUSTOMERS_SHOWN}")
        return json.loads(server.psql(config["POSTGRES_DB"], "-At", *variables, given=query))

    labelled = ask(CHURN_RATE)
    if labelled["rows"]:
        share = labelled["churned"] / labelled["rows"]
        say(f"\nChurn rate of the snapshot {scored}: {share:.1%} of {labelled['rows']:,} active customers with a label")
    version = production_version(config)
    metrics = run_metrics(config, version["run_id"])
    say(f"\nModel {MODEL}, version {version['version']} in production (held-out customers):")
    for name in sorted(metrics):
        say(f"  {name:<32} {metrics[name]:.4f}")
    say(f"\nMost at risk in the week of {scored}:")
    say(f"  {'customer':>12}  {'score':>6}  {'days since payment':>18}  {'payments in 90 days':>19}")
    for row in ask(AT_RISK):
        say(
            f"  {row['customer_id']:>12}  {row['score']:>6.3f}  {row['days_since_activity']:>18}"
            f"  {row['payments_90d']:>19}"
        )
    show_addresses(config)


def show_loads(server: Cluster, config: Config) -> None:
    """Print the last load of each file."""
    say("\nFiles loaded:")
    for load in json.loads(server.psql(config["POSTGRES_DB"], "-Atc", LOADS)):
        rows = f"{load['rows_loaded'] or 0:>9,} rows  {load['rows_rejected'] or 0:>6,} rejected"
        remark = f"  {load['status']}: {load['message']}" if load["status"] != "loaded" else ""
        say(f"  {load['file_name']:<32} {rows}{remark}")


def show_addresses(config: Config) -> None:
    """Print where everything is and how to sign in."""
    token = config["JUPYTER_TOKEN"]
    say("\nRunning until `make local-down`:")
    demo = config["AIRFLOW_ADMIN_PASSWORD"] == "admin"
    password = "admin" if demo else "AIRFLOW_ADMIN_PASSWORD in .env"
    say(f"  Airflow     {config.airflow_url}  ({config['AIRFLOW_ADMIN_USER']} / {password})")
    say(f"  MLflow      {config.mlflow_url}")
    say(f"  Streamlit   http://127.0.0.1:{config.ports['STREAMLIT_PORT']}")
    say(f"  JupyterLab  http://127.0.0.1:{config.ports['JUPYTER_PORT']}/lab?token={token}")
    say(f"  PostgreSQL  127.0.0.1:{config.ports['POSTGRES_PORT']}, database {config['POSTGRES_DB']}  (make psql)")


def production_version(config: Config) -> dict[str, Any]:
    """The version that the alias names, from the registry."""
    path = f"registered-models/alias?name={MODEL}&alias={ALIAS}"
    version: dict[str, Any] = _mlflow(config, path)["model_version"]
    return version


def run_metrics(config: Config, run_id: str) -> dict[str, float]:
    """The run's headline metrics on held-out customers."""
    metrics = {
        metric["key"]: metric["value"]
        for metric in _mlflow(config, f"runs/get?run_id={run_id}")["run"]["data"]["metrics"]
    }
    return {name: metrics[name] for name in METRICS if name in metrics}


def _mlflow(config: Config, path: str) -> Any:
    with urllib.request.urlopen(f"{config.mlflow_url}/api/2.0/mlflow/{path}", timeout=30) as answer:
        return json.load(answer)
