"""What a score is made of: the inputs of the classifier by name, and the contribution of each group of features."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ml.snapshots.catalogue import BY_NAME


class Input(NamedTuple):
    """One column that the classifier sees, and the group of its features."""

    name: str
    group: str


def inputs(pipeline: Pipeline) -> list[Input]:
    """The columns that the classifier sees, in their order: scores, marks, and one for each category of a text.

    Raises:
        ValueError: this is not a pipeline of ml.training.pipeline, or its features are not in the catalogue.
    """
    first, classifier = pipeline[0], pipeline[-1]
    if not isinstance(first, ColumnTransformer) or not hasattr(classifier, "coef_"):
        raise ValueError("its pipeline is not scores and a linear classifier")
    found = []
    for name, step, columns in first.transformers_:
        if name == "remainder":
            continue
        unknown = [column for column in columns if column not in BY_NAME]
        if unknown:
            raise ValueError(f"the catalogue of features has no {', '.join(unknown)}")
        of_texts = BY_NAME[columns[0]].role == "categorical"
        names = [f"{name}: {category}" for category in step[-1].categories_[0]] if of_texts else [name]
        found += [Input(each, BY_NAME[columns[0]].group) for each in names]
    if len(found) != classifier.coef_.shape[1]:
        raise ValueError("its pipeline has other columns than one for each score; train a new version")
    return found


def contributions(pipeline: Pipeline, rows: pd.DataFrame) -> tuple[float, pd.DataFrame]:
    """The log-odds of the average customer, and what each group adds to them for each of `rows`, by column.

    The inputs are centred, so that the intercept is the log-odds of a customer whose inputs are all the average.
    A contribution is the sum of coefficient times centred value over the inputs of the group (the Shapley value of a
    linear model whose groups are independent); the intercept and the contributions sum to the log-odds of the score.
    """
    added = pd.DataFrame(pipeline[-1].coef_[0] * pipeline[:-1].transform(rows))
    groups = [each.group for each in inputs(pipeline)]
    return float(pipeline[-1].intercept_[0]), added.T.groupby(groups, sort=False).sum().T


def variance_inflation(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the variance of each coefficient is larger because of the other columns; 1 = not at all.

    1 / (1 - R²) of the regression of a column on the others, the diagonal of the inverse of the correlations.
    """
    inflation: NDArray[np.float64] = np.diag(np.linalg.inv(np.corrcoef(matrix, rowvar=False)))
    return inflation
