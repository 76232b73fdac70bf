"""Prints the results of the demo: rows loaded, churn rate, model and its quality, customers at risk, addresses."""

from datetime import date
from typing import Any

from psycopg import Connection
from psycopg.rows import namedtuple_row

from local.config import Config
from local.console import say
from local.replay import Plan
from ml.model_config import MODEL_NAME
from ml.store import registry
from ml.utils_io import connect

CUSTOMERS_SHOWN = 10
METRICS = ("heldout_average_precision", "heldout_brier", "heldout_log_loss", "heldout_roc_auc")
LOADS = """
select distinct on (table_name) file_name, status, rows_loaded, rows_rejected, message
from ops.raw_loads
where status <> 'unchanged'
order by table_name, load_id desc
"""
CHURN_RATE = """
select count(*) as customers, avg(labeled_churn) as churned
from features.churn_weekly_features
where snapshot_date = %s and labeled_churn is not null and label_source <> 'inactive_60d'
"""
AT_RISK = """
select s.customer_id, s.score, f.days_since_activity, f.payments_90d
from ops.churn_scoring as s
join features.churn_weekly_features as f using (customer_id, snapshot_date)
where s.snapshot_date = %s
order by s.score desc, s.customer_id
limit %s
"""


def show(config: Config, plan: Plan) -> None:
    """Print the summary of a replay."""
    with connect(application_name="demo") as conn:
        conn.row_factory = namedtuple_row
        _show_loads(conn)
        _show_churn_rate(conn, plan.snapshots[-1])
        _show_model()
        _show_at_risk(conn, plan.snapshots[-1])
    _show_addresses(config)


def _show_loads(conn: Connection[Any]) -> None:
    say("\nFiles loaded:")
    for load in conn.execute(LOADS):
        rows = f"{load.rows_loaded or 0:>9,} rows  {load.rows_rejected or 0:>6,} rejected"
        remark = f"  {load.status}: {load.message}" if load.status != "loaded" else ""
        say(f"  {load.file_name:<32} {rows}{remark}")


def _show_churn_rate(conn: Connection[Any], scored: date) -> None:
    labelled = conn.execute(CHURN_RATE, [scored]).fetchone()
    if labelled and labelled.customers:
        share = f"{labelled.churned:.1%} of {labelled.customers:,} active customers with a label"
        say(f"\nChurn rate of the snapshot {scored}: {share}")


def _show_model() -> None:
    with registry.session() as client:
        version = registry.get(client, registry.production_version(client) or "none")
        metrics = client.get_run(version.run_id).data.metrics
    say(f"\nModel {MODEL_NAME}, version {version.version} in production (held-out customers):")
    for name in METRICS:
        if name in metrics:
            say(f"  {name:<32} {metrics[name]:.4f}")


def _show_at_risk(conn: Connection[Any], scored: date) -> None:
    say(f"\nMost at risk in the week of {scored}:")
    say(f"  {'customer':>12}  {'score':>6}  {'days since payment':>18}  {'payments in 90 days':>19}")
    for row in conn.execute(AT_RISK, [scored, CUSTOMERS_SHOWN]):
        say(f"  {row.customer_id:>12}  {row.score:>6.3f}  {row.days_since_activity:>18}  {row.payments_90d:>19}")


def _show_addresses(config: Config) -> None:
    token = config["JUPYTER_TOKEN"]
    say("\nRunning until `make local-down`:")
    demo = config["AIRFLOW_ADMIN_PASSWORD"] == "admin"
    password = "admin" if demo else "AIRFLOW_ADMIN_PASSWORD in .env"
    say(f"  Airflow     {config.airflow_url}  ({config['AIRFLOW_ADMIN_USER']} / {password})")
    say(f"  MLflow      {config.mlflow_url}")
    say(f"  Streamlit   http://127.0.0.1:{config.ports['STREAMLIT_PORT']}")
    say(f"  JupyterLab  http://127.0.0.1:{config.ports['JUPYTER_PORT']}/lab?token={token}")
    say(f"  PostgreSQL  127.0.0.1:{config.ports['POSTGRES_PORT']}, database {config['POSTGRES_DB']}  (make psql)")
