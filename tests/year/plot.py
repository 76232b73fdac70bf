"""The plot of a year for docs/monitoring.md: what was promised, what happened, and what the pipelines made of it."""

from datetime import date
from itertools import groupby
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from tests.year.history import SHIFT

PROMISED, HAPPENED, ALERT, GREY = "#1f5f8b", "#b5651d", "#b3261e", "#555555"
NAMED = 4  # Sundays that a version must have scored for its number to find a place


def year_plot(weeks: list[dict[str, Any]], churned: dict[date, float]) -> Figure:
    """Mean score of each Sunday beside the share `churned` of the closed ones, above alerts and promotions."""
    figure = Figure(figsize=(8, 5), dpi=150, layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[5, 1])
    happened = pd.Series(churned).sort_index()
    upper.plot(
        pd.to_datetime(happened.index), happened, "s--", color=HAPPENED, markersize=4, label="share that churned"
    )
    for version, of_version in groupby(weeks, key=lambda week: week["scored"]["model_version"]):
        scored = list(of_version)
        days = pd.to_datetime([week["sunday"] for week in scored])
        means = [week["scored"]["mean_score"] for week in scored]
        upper.plot(days, means, "o-", color=PROMISED, markersize=4, label="mean score" if version == "1" else None)
        if len(scored) >= NAMED:
            above = {"xytext": (0, 8), "textcoords": "offset points", "ha": "center"}
            upper.annotate(f"v{version}", (days[0], means[0]), color=PROMISED, fontsize=9, **above)
    upper.set(ylabel="probability, share", title="A year of Sundays: promised and realized churn")
    upper.grid(axis="y", color="#e5e5e5")
    decided = [
        (week["sunday"], week[kind]["promoted"]["action"] == "promote")
        for week in weeks
        for kind in ("monthly", "asked")
        if kind in week
    ]
    rows = {
        "alert": ([week["sunday"] for week in weeks if week["monitored"]["alerts"]], "X", ALERT, ALERT),
        "promoted": ([day for day, is_promoted in decided if is_promoted], "^", PROMISED, PROMISED),
        "turned down": ([day for day, is_promoted in decided if not is_promoted], "v", "white", GREY),
    }
    for place, (days, marker, face, edge) in enumerate(rows.values()):
        at = pd.to_datetime(pd.Series(days, dtype="datetime64[ns]"))
        lower.plot(at, [-place] * len(at), marker, markerfacecolor=face, markeredgecolor=edge, markersize=6)
    lower.set_yticks([0, -1, -2], list(rows))
    lower.set(ylim=(-2.6, 0.6), xlabel="Sunday")
    for axes in (upper, lower):
        axes.axvline(pd.Timestamp(SHIFT), color=GREY, linestyle=":", label="customers begin to leave")
    upper.legend(loc="upper left")
    figure.autofmt_xdate()
    return figure
