"""The plot of a year for docs/monitoring.md: what was promised, what happened, and what the pipelines made of it."""

from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tests.year.history import SHIFT

PROMISED, HAPPENED, ALERT = "#1f5f8b", "#b5651d", "#b3261e"


def year_plot(weeks: list[dict[str, Any]], churned: dict[date, float]) -> Figure:
    """Mean score of each Sunday beside the share `churned` of the closed ones, with versions, alerts and the shift."""
    figure = Figure(figsize=(8, 4.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    happened = pd.Series(churned).sort_index()
    axes.plot(pd.to_datetime(happened.index), happened, "s--", color=HAPPENED, markersize=4, label="share that churned")
    for version, of_version in groupby(weeks, key=lambda week: week["scored"]["model_version"]):
        scored = list(of_version)
        days, means = [week["sunday"] for week in scored], [week["scored"]["mean_score"] for week in scored]
        label = "mean score, by version" if version == "1" else None
        axes.plot(pd.to_datetime(days), means, "o-", color=PROMISED, markersize=4, label=label)
        axes.annotate(f"v{version}", (pd.Timestamp(days[0]), means[0]), (0, -16), textcoords="offset points",
                      color=PROMISED, fontsize=9, ha="center")  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.25 * (high - low), high)
    alerts = pd.to_datetime([week["sunday"] for week in weeks if week["monitored"]["alerts"]])
    at = low - 0.17 * (high - low)
    axes.plot(alerts, [at] * len(alerts), "X", color=ALERT, markersize=7, label="Sunday with an alert")
    axes.axvline(pd.Timestamp(SHIFT), color="#555555", linestyle=":", label="customers begin to leave")
    axes.set(ylabel="probability, share", xlabel="snapshot")
    axes.legend(loc="upper left", ncols=2, fontsize=9)
    axes.grid(axis="y", color="#e5e5e5")
    figure.autofmt_xdate()
    return figure
