"""Figures of a model's quality on held-out customers."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay
from sklearn.pipeline import Pipeline

from ml.training.explanation import inputs
from ml.training.metrics import CALIBRATION_BINS, is_measurable

matplotlib.use("Agg")
COEFFICIENTS_SHOWN = 30
INK = "#1f5f8b"


def quality_plots(churned: NDArray[np.int8], scores: NDArray[np.float64]) -> dict[str, Figure]:
    """ROC, precision-recall and calibration curves by file name, if measurable."""
    if not is_measurable(churned):
        return {}
    plots = {}
    plots["roc.png"], axes = _figure()
    RocCurveDisplay.from_predictions(churned, scores, ax=axes, plot_chance_level=True)
    axes.set(title="ROC", xlabel="share of stayers flagged", ylabel="share of churners caught")
    plots["precision_recall.png"], axes = _figure()
    PrecisionRecallDisplay.from_predictions(churned, scores, ax=axes, plot_chance_level=True)
    axes.set(title="Precision and recall", xlabel="share of churners caught", ylabel="churners among the flagged")
    plots["calibration.png"], axes = _figure()
    CalibrationDisplay.from_predictions(churned, scores, n_bins=CALIBRATION_BINS, strategy="quantile", ax=axes)
    axes.set(title="Calibration, by tenth of the scores", xlabel="mean score", ylabel="share that churned")
    return plots


def coefficient_plot(pipeline: Pipeline) -> Figure:
    """The largest coefficients: log odds of churn per standard deviation of a score, of a mark or of a category."""
    names, coefficients = [each.name for each in inputs(pipeline)], pipeline[-1].coef_[0]
    order = np.argsort(np.abs(coefficients))[-COEFFICIENTS_SHOWN:]
    figure, axes = _figure(height=7)
    axes.barh([names[i] for i in order], coefficients[order], color=INK)
    axes.axvline(0, color="#999999", linewidth=1)
    axes.tick_params(axis="y", labelsize=7)
    axes.set(title="Largest coefficients", xlabel="log odds of churn per standard deviation")
    return figure


def backtest_plot(table: pd.DataFrame) -> Figure:
    """ROC AUC with its interval by Sunday, beside the baselines, above the mean score beside the share that churned."""
    figure = Figure(figsize=(8, 6), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    days = pd.to_datetime(table["sunday"])
    reach = [table["roc_auc"] - table["roc_auc_low"], table["roc_auc_high"] - table["roc_auc"]]
    upper.errorbar(days, table["roc_auc"], yerr=reach, fmt="o-", color=INK, capsize=3, label="model")
    upper.plot(days, table["recency_frequency_roc_auc"], "s--", color="#b5651d", label="recency and frequency")
    upper.plot(days, table["recency_roc_auc"], "^:", color="#777777", label="recency alone")
    upper.set(title="Each Sunday by a model of what was known on it", ylabel="ROC AUC")
    upper.legend()
    lower.plot(days, table["churn"] + table["calibration"], "o-", color=INK, label="mean score")
    lower.plot(days, table["churn"], "s--", color="#b5651d", label="share that churned")
    lower.set(ylabel="probability, share", xlabel="snapshot")
    lower.legend()
    figure.autofmt_xdate()
    return figure


def _figure(height: float = 5) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, height), layout="constrained")
    return figure, figure.add_subplot()
