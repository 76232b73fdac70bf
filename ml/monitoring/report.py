"""The report of a snapshot's monitoring: one HTML page, complete in itself, in MLflow."""

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from io import BytesIO

import mlflow
import numpy as np
import pandas as pd
import psycopg
from matplotlib.figure import Figure
from mlflow.tracking import MlflowClient

from ml.model_config import MODEL_NAME
from ml.monitoring.finding import Finding
from ml.training.plots import INK

EXPERIMENT = f"{MODEL_NAME} monitoring"
SECOND, MARK = "#b5651d", {"ok": "#2e7d32", "warn": "#b26a00", "alert": "#b3261e"}
FIGURES = """
select snapshot_dates[1] as snapshot_date, model_version, slice, metric, value, low, high, rows_measured, churners
from ops.model_metrics
where kind = 'realized' and (snapshot_dates[1], model_version) = any(select * from unnest(%s::date[], %s::text[]))
order by snapshot_date, slice
"""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin-bottom: 0 } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem } p { margin: .4rem 0 }
table { border-collapse: collapse; width: 100%; font-size: 13px } img { max-width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.state { font-weight: 600; white-space: nowrap } .note { color: #666 } summary { cursor: pointer; font-weight: 600 }
"""


def path(snapshot_date: date) -> str:
    """The page among the artifacts of its run."""
    return f"monitoring/{snapshot_date}.html"


def log(
    client: MlflowClient, snapshot_date: date, model_version: str | None, page: str, counts: Mapping[str, int]
) -> str:
    """Put the page into the run of the snapshot and version, which is made if there is none; return its id."""
    tags = {"snapshot_date": str(snapshot_date), "model_version": model_version or "none"}
    experiment = mlflow.set_experiment(EXPERIMENT)
    query = " and ".join(f"tags.{name} = '{value}'" for name, value in tags.items())
    runs = client.search_runs([experiment.experiment_id], query, max_results=1)
    with mlflow.start_run(
        run_id=runs[0].info.run_id if runs else None,
        run_name=None if runs else f"{snapshot_date} version {tags['model_version']}",
    ) as run:
        mlflow.set_tags(tags)
        mlflow.log_metrics({f"findings_{state}": count for state, count in counts.items()})
        mlflow.log_text(page, path(snapshot_date))
    return str(run.info.run_id)


def page(
    conn: psycopg.Connection,
    snapshot_date: date,
    model_version: str | None,
    findings: Sequence[Finding],
    closed: Mapping[date, str],
    in_time_roc_auc: Mapping[str, float],
) -> str:
    """The page about `findings`, worst first; figures by week and slice come from `ops.model_metrics`."""
    cursor = conn.execute(FIGURES, (list(closed), list(closed.values())))
    figures = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description or ()])
    open_ones = [each for each in findings if each.state != "ok"]
    states = [each.state for each in findings]
    scored = f"scored by version {model_version}" if model_version else "not scored"
    parts = [
        f"<h1>Monitoring of {snapshot_date}</h1>",
        f"<p class=note>{MODEL_NAME}, {scored}: {states.count('alert')} alerts, {states.count('warn')} warnings,"
        f" {states.count('ok')} checks ok.</p>",
        "<h2>Alerts and warnings</h2>",
        _table(open_ones) if open_ones else "<p>None.</p>",
        "<h2>What the scores came to</h2>",
        _realized(figures, in_time_roc_auc),
        "<h2>Drift against the training of the version</h2>",
        _drift(findings),
        f"<details><summary>All {len(findings)} checks</summary>{_table(findings)}</details>",
    ]
    head = f"<meta charset=utf-8><title>Monitoring of {snapshot_date}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}<body>{''.join(parts)}</body></html>\n"


def _table(findings: Sequence[Finding]) -> str:
    rows = "".join(
        f"<tr><td class=state style='color:{MARK[each.state]}'>{each.state}</td><td>{escape(each.check)}</td>"
        f"<td>{escape(each.subject)}</td><td>{escape(each.detail)}</td><td class=n>{each.value:.3f}</td>"
        f"<td class=n>{each.warn_above:.3f} / {each.alert_above:.3f}</td>"
        f"<td>{escape(each.what_to_do) if each.state != 'ok' else ''}</td></tr>"
        for each in findings
    )
    heads = "<th>state<th>check<th>about<th>found<th class=n>value<th class=n>warn / alert above<th>what to do"
    return f"<table><tr>{heads}</tr>{rows}</table>"


def _realized(figures: pd.DataFrame, in_time_roc_auc: Mapping[str, float]) -> str:
    """Two plots by week, and the newest snapshot by slice."""
    if figures.empty:
        return "<p>No snapshot that was scored is closed yet: its 60 days are not over.</p>"
    newest = figures["snapshot_date"].max()
    of_all = figures[figures["slice"] == "all"]
    weeks = of_all.pivot(index="snapshot_date", columns="metric", values=["value", "low", "high"])
    about = of_all.groupby("snapshot_date")[["rows_measured", "churners", "model_version"]].first()
    plot = Figure(figsize=(9, 5.5), layout="constrained")
    upper, lower = plot.subplots(2, 1, sharex=True)
    days, share = pd.to_datetime(weeks.index), (about["churners"] / about["rows_measured"]).astype(float)
    mean = share + weeks["value", "calibration"]
    reach = (weeks["high", "calibration"] - weeks["value", "calibration"]).to_numpy(float)
    upper.errorbar(days, share, yerr=reach, fmt="s--", color=SECOND, capsize=3, label="share that churned")
    upper.plot(days, mean, "o-", color=INK, label="mean score")
    upper.set(ylabel="probability, share", title="Predicted and realized churn of each closed snapshot")
    upper.legend()
    auc = weeks.xs("roc_auc", axis=1, level="metric").astype(float)
    lower.errorbar(days, auc["value"], yerr=(auc["high"] - auc["value"]), fmt="o-", color=INK, capsize=3)
    expected = about["model_version"].map(dict(in_time_roc_auc))
    lower.plot(days, expected.astype(float), "_", color=SECOND, markersize=18, label="in time, of the same version")
    lower.set(ylabel="ROC AUC", xlabel="snapshot")
    lower.set_xticks(days, [str(day) for day in weeks.index], rotation=30, ha="right", fontsize=8)
    lower.legend()
    by_slice = figures[figures["snapshot_date"] == newest].pivot(
        index=["slice", "rows_measured", "churners"], columns="metric", values=["value", "low", "high"]
    )
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{count:,}</td><td class=n>{churners / count:.1%}</td>"
        f"<td class=n>{one['value', 'calibration']:+.3f} ({one['low', 'calibration']:+.3f} to"
        f" {one['high', 'calibration']:+.3f})</td><td class=n>{one['value', 'roc_auc']:.3f}</td>"
        f"<td class=n>{one['value', 'log_loss']:.3f}</td><td class=n>{one['value', 'brier']:.3f}</td></tr>"
        for (name, count, churners), one in by_slice.iterrows()
    )
    heads = "<th>customers of<th class=n>number<th class=n>churned<th class=n>mean score - share churned (95 %)"
    heads += "<th class=n>ROC AUC<th class=n>log loss<th class=n>Brier"
    table = f"<table><tr>{heads}</tr>{rows}</table>"
    return f"{_image(plot)}<details><summary>{newest} by slice</summary>{table}</details>"


def _drift(findings: Sequence[Finding]) -> str:
    """A bar for the index of each feature and one for its share unknown, with the limits."""
    checks = {check: [each for each in findings if each.check == check] for check in ("drift", "share unknown")}
    if not checks["drift"]:
        return "<p>Not known: there are no scores, or the version has no training reference.</p>"
    plot = Figure(figsize=(9, 0.6 + 0.3 * len(checks["drift"])), layout="constrained")
    titles = ("population stability index", "share unknown, difference")
    for axes, title, found in zip(plot.subplots(1, 2), titles, checks.values(), strict=True):
        found = sorted(found, key=lambda each: each.value)
        places = np.arange(len(found))
        axes.barh(places, [each.value for each in found], color=[MARK[each.state] for each in found], height=0.6)
        for limit, style in (("warn_above", ":"), ("alert_above", "-")):
            at = [getattr(each, limit) for each in found]
            axes.vlines(at, places - 0.4, places + 0.4, color="#444444", linestyle=style, linewidth=1.2)
        axes.set_yticks(places, [each.subject for each in found], fontsize=8)
        axes.set_title(title, fontsize=10)
    notes = "; ".join(f"{each.subject}: {each.detail}" for each in checks["drift"] if "not compared" in each.detail)
    said = f"<p class=note>{escape(notes)}</p>" if notes else ""
    return f"{_image(plot)}<p class=note>Dotted: warn above; solid: alert above.</p>{said}"


def _image(plot: Figure) -> str:
    png = BytesIO()
    plot.savefig(png, format="png", dpi=110)
    return f"<img alt='' src='data:image/png;base64,{base64.b64encode(png.getvalue()).decode()}'>"
