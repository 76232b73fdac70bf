"""Scores of many rows by the registered pipeline, each category encoded once instead of once a row."""

import warnings

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ml.bulk_read import Block, Coded
from ml.model_config import CATEGORICAL_FEATURES

CHECKED_ROWS = 1000
TOLERANCE = 1e-9


class Scorer:
    """P(churn) of blocks of rows, as the pipeline's predict_proba gives it.

    The pipeline's log odds are a sum: the numeric columns pass through its own steps, and what each category adds is
    computed by its own encoder, once for each distinct value. The first block is compared with `predict_proba`; a
    pipeline of another build, or one that differs, scores by `predict_proba` alone.
    """

    def __init__(self, pipeline: Pipeline, features: tuple[str, ...]) -> None:
        self.pipeline = pipeline
        self.text = {name: Coded() for name in features if name in CATEGORICAL_FEATURES}
        self.numeric = [name for name in features if name not in self.text]
        self.by_category = _is_additive(pipeline, self.numeric, list(self.text))
        self.checked = False

    def __call__(self, block: Block) -> NDArray[np.float64]:
        """Scores of a block with the numbers `numeric` and codes into `text`; NULL is what training saw as NULL."""
        matrix, codes = block.numbers.T, block.codes
        if not self.by_category:
            return self._plain(matrix, codes)
        scores = self._fast(matrix, codes)
        if not self.checked:
            first = {name: column[:CHECKED_ROWS] for name, column in codes.items()}
            expected = self._plain(matrix[:CHECKED_ROWS], first)
            self.checked = True
            if not np.allclose(scores[:CHECKED_ROWS], expected, rtol=0, atol=TOLERANCE):
                self.by_category = False
                return self._plain(matrix, codes)
        return scores

    def unseen(self, seen: dict[str, list[str]]) -> dict[str, list[str]]:
        """Categories scored so far that training had not seen; they score as the rare ones do."""
        unseen = {name: sorted(set(coded.values) - set(seen.get(name, []))) for name, coded in self.text.items()}
        return {name: values for name, values in unseen.items() if values}

    def _plain(self, matrix: NDArray[np.float64], codes: dict[str, NDArray[np.int32]]) -> NDArray[np.float64]:
        frame = pd.DataFrame(matrix, columns=self.numeric)
        for name, column in codes.items():
            frame[name] = self.text[name].decode(column)
        scores: NDArray[np.float64] = self.pipeline.predict_proba(frame)[:, 1]
        return scores

    def _fast(self, matrix: NDArray[np.float64], codes: dict[str, NDArray[np.int32]]) -> NDArray[np.float64]:
        steps, classifier = self.pipeline[0], self.pipeline[-1]
        coefficients = classifier.coef_[0]
        frame = pd.DataFrame(matrix, columns=self.numeric, copy=False)
        log_odds = np.full(len(matrix), classifier.intercept_[0])
        for name, step, columns in steps.transformers_:
            of_step = coefficients[steps.output_indices_[name]]
            if name in self.text:
                values = pd.DataFrame({name: np.array([*self.text[name].values, None], dtype=object)})
                log_odds += (step.transform(values) @ of_step)[codes[name]]
            else:
                log_odds += step.transform(frame[columns]) @ of_step
        scores: NDArray[np.float64] = expit(log_odds)
        return scores


def _is_additive(pipeline: Pipeline, numeric: list[str], text: list[str]) -> bool:
    """Whether the log odds are a sum over steps of which each takes numeric columns, or one text column alone."""
    if len(pipeline) != 2 or not isinstance(pipeline[0], ColumnTransformer):
        return False
    if type(pipeline[-1]) is not LogisticRegression:
        return False
    steps = [(name, list(columns)) for name, step, columns in pipeline[0].transformers_ if not isinstance(step, str)]
    taken = sorted(column for _, columns in steps for column in columns)
    if len(steps) != len(pipeline[0].transformers_) or taken != sorted([*numeric, *text]):
        warnings.warn("the pipeline's steps are not those of ml.training.pipeline; scoring row by row", stacklevel=2)
        return False
    return all((name in text and columns == [name]) or not set(columns) & set(text) for name, columns in steps)
