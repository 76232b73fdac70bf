"""The profit curve of a campaign, for the save rate assumed, half and double of it."""

from typing import Any

import altair as alt
import pandas as pd

from ml.campaigns.profit import Curves
from streamlit_app.charts import HAPPENED, PREDICTED, QUIET
from streamlit_app.formats import money, number, percent
from streamlit_app.texts import say

LOOKS = {"double": (HAPPENED, [6, 4]), "expected": (PREDICTED, [1, 0]), "half": (QUIET, [2, 3])}


def profit_curve(planned: Curves, language: str) -> Any:
    """Lines that differ in colour and dashes, a point at the best number of each, a rule where the limit is."""
    names = {
        name: say("campaign_line", language, rate=percent(planned.by_save_rate[name].save_rate, language))
        for name in LOOKS
    }
    rows = pd.DataFrame(
        [
            {
                "line": names[name],
                "contacted": int(contacted),
                "profit": float(profit),
                "is_best": int(contacted) == planned.by_save_rate[name].best,
                "number": number(int(contacted), language),
                "pesos": money(float(profit), language),
            }
            for name in LOOKS
            for contacted, profit in zip(planned.contacted, planned.by_save_rate[name].profit, strict=True)
        ]
    )
    domain, looks = list(dict.fromkeys(names.values())), dict(zip(names.values(), LOOKS.values(), strict=True))
    legend = alt.Legend(orient="top", title=None, labelLimit=0, columns=1, symbolType="stroke", symbolSize=400)
    whole = alt.Axis(format=",.0f", tickMinStep=1)
    colours = alt.Scale(domain=domain, range=[looks[each][0] for each in domain])
    base = alt.Chart(rows).encode(
        x=alt.X("contacted:Q", title=say("campaign_number", language), axis=whole),
        y=alt.Y("profit:Q", title=say("campaign_profit", language), axis=whole),
        tooltip=[
            alt.Tooltip("line:N", title=say("campaign_kept", language)),
            alt.Tooltip("number:N", title=say("campaign_number", language)),
            alt.Tooltip("pesos:N", title=say("campaign_profit", language)),
        ],
    )
    dash = alt.StrokeDash(
        "line:N", legend=legend, scale=alt.Scale(domain=domain, range=[looks[each][1] for each in domain])
    )
    lines = base.mark_line(strokeWidth=2).encode(
        color=alt.Color("line:N", legend=legend, scale=colours), strokeDash=dash
    )
    points = (
        base.transform_filter("datum.is_best")
        .mark_point(filled=True, size=90, opacity=1)
        .encode(color=alt.Color("line:N", legend=None, scale=colours))
    )
    layers = [lines, points]
    if planned.limit < planned.contacted[-1]:
        limit = alt.Chart(pd.DataFrame({"contacted": [planned.limit]}))
        layers.append(limit.mark_rule(strokeDash=[2, 2], color=QUIET).encode(x="contacted:Q"))
    return alt.layer(*layers).properties(height=320)
