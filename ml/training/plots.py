"""Figures of a model's quality on held-out customers."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve, roc_curve

from ml.training.metrics import CALIBRATION_BINS

matplotlib.use("Agg")
COEFFICIENTS_SHOWN = 30
INK, REFERENCE = "#1f5f8b", "#999999"


def quality_plots(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> dict[str, Figure]:
    """ROC, precision-recall and calibration curves by file name; both classes must occur."""
    return {
        "roc.png": _figure("ROC", "share of stayers flagged", "share of churners caught", _roc(churned, scores)),
        "precision_recall.png": _figure(
            "Precision and recall", "share of churners caught", "churners among the flagged", _pr(churned, scores)
        ),
        "calibration.png": _figure(
            "Calibration, by tenth of the scores", "mean score", "share that churned", _calibration(churned, scores)
        ),
    }


def coefficient_plot(names: Sequence[str], coefficients: NDArray[np.float64]) -> Figure:
    """The largest coefficients: log odds of churn a standard deviation, or a category."""
    order = np.argsort(np.abs(coefficients))[-COEFFICIENTS_SHOWN:]

    def draw(axes: Axes) -> None:
        axes.barh([names[i].split("__")[-1] for i in order], coefficients[order], color=INK)
        axes.axvline(0, color=REFERENCE, linewidth=1)
        axes.tick_params(axis="y", labelsize=7)

    return _figure("Largest coefficients", "log odds of churn", "", draw, height=7)


def _figure(title: str, x: str, y: str, draw: Callable[[Axes], Any], height: float = 5) -> Figure:
    figure = Figure(figsize=(6, height), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set(title=title, xlabel=x, ylabel=y)
    return figure


def _roc(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        false_positive, true_positive, _ = roc_curve(churned, scores)
        axes.plot(false_positive, true_positive, color=INK)
        axes.plot([0, 1], [0, 1], color=REFERENCE, linewidth=1)

    return draw


def _pr(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        precision, recall, _ = precision_recall_curve(churned, scores)
        axes.plot(recall, precision, color=INK)
        axes.axhline(churned.mean(), color=REFERENCE, linewidth=1)
        axes.set_ylim(0, 1)

    return draw


def _calibration(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        tenths = np.array_split(np.argsort(scores, kind="stable"), CALIBRATION_BINS)
        axes.plot([0, 1], [0, 1], color=REFERENCE, linewidth=1)
        axes.plot([scores[t].mean() for t in tenths], [churned[t].mean() for t in tenths], "o-", color=INK)

    return draw
