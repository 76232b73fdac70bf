"""Prints the results of the demo: rows loaded, churn rate, model and its quality, customers at risk, addresses."""

from local.config import Config
from local.console import say
from local.replay import Plan
from ml.model_config import MODEL_NAME
from ml.store import registry
from ml.utils_io import connect

CUSTOMERS_SHOWN = 10
METRICS = ("roc_auc", "average_precision", "brier", "log_loss", "calibration")
LOADS = """
select distinct on (table_name) file_name, status, rows_loaded, rows_rejected, message
from ops.raw_loads
where status <> 'unchanged'
order by table_name, load_id desc
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
    scored = plan.scored[-1]
    with connect(application_name="demo") as conn:
        loads = conn.execute(LOADS).fetchall()
        at_risk = conn.execute(AT_RISK, [scored, CUSTOMERS_SHOWN]).fetchall()
    with registry.session() as client:
        version = registry.get(client, registry.production_version(client) or "none")
        metrics = client.get_run(version.run_id).data.metrics

    say("\nFiles loaded:")
    for file_name, status, loaded, rejected, message in loads:
        remark = f"  {status}: {message}" if status != "loaded" else ""
        say(f"  {file_name:<32} {loaded or 0:>9,} rows  {rejected or 0:>6,} rejected{remark}")
    say(f"\nModel {MODEL_NAME}, version {version.version} in production, trained on what was known on {plan.training}:")
    say(f"  trained on {', '.join(map(str, version.training_snapshots))}")
    for day, reason in sorted(version.tag("left_out_snapshots").items()):
        say(f"  left out {day}: {reason}")
    for name, reason in sorted(version.tag("left_out_features").items()):
        say(f"  left out {name}: {reason}")
    for kind, measured_on in (
        ("out_of_time", f"out of time, on {', '.join(version.tag('out_of_time_snapshots')) or 'no snapshot yet'}"),
        ("heldout", "in time, on customers held out"),
    ):
        found = [f"{name} {metrics[f'{kind}_{name}']:.4f}" for name in METRICS if f"{kind}_{name}" in metrics]
        say(f"  {measured_on}: {', '.join(found) or 'not measurable'}")
    say(f"\nMost at risk in the week of {scored}:")
    say(f"  {'customer':>12}  {'score':>6}  {'days since payment':>18}  {'payments in 90 days':>19}")
    for customer_id, score, days, payments in at_risk:
        say(f"  {customer_id:>12}  {score:>6.3f}  {days:>18}  {payments:>19}")
    say("\nRunning until `make local-down`:")
    demo = config["AIRFLOW_ADMIN_PASSWORD"] == "admin"
    password = "admin" if demo else "AIRFLOW_ADMIN_PASSWORD in .env"
    say(f"  Airflow     {config.url('AIRFLOW_PORT')}  ({config['AIRFLOW_ADMIN_USER']} / {password})")
    say(f"  MLflow      {config.url('MLFLOW_PORT')}")
    say(f"  Streamlit   {config.url('STREAMLIT_PORT')}")
    say(f"  JupyterLab  {config.url('JUPYTER_PORT')}/lab?token={config['JUPYTER_TOKEN']}")
    say(f"  PostgreSQL  127.0.0.1:{config.ports['POSTGRES_PORT']}, database {config['POSTGRES_DB']}  (make psql)")
