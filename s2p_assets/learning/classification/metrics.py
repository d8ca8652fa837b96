"""How good probabilities were: pure functions on arrays of outcomes (1 or 0) and of their probabilities.

Where they come from is for `time_folds.py`; what follows from them is for `scores.py`.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.learning.forecasting.series import Matrix

MIN_PROBABILITY = 1e-4
BINS = 10


def log_losses(actual: ArrayLike, probability: ArrayLike) -> Matrix:
    """−ln of the probability given to the actual outcome, per case; probabilities are clipped to 1 in 10,000."""
    outcome, predicted = (
        np.asarray(actual, float),
        np.clip(np.asarray(probability, float), MIN_PROBABILITY, 1 - MIN_PROBABILITY),
    )
    return np.asarray(-np.log(np.where(outcome == 1, predicted, 1 - predicted)))


def brier(actual: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance of probability and outcome; Brier (1950)."""
    return float(((np.asarray(probability, float) - np.asarray(actual, float)) ** 2).mean())


def accuracy(actual: ArrayLike, probability: ArrayLike) -> float:
    """The share of cases in which the likelier class was right; 0.5 counts as yes."""
    return float(((np.asarray(probability, float) >= 0.5) == (np.asarray(actual, float) == 1)).mean())


def auc(actual: ArrayLike, value: ArrayLike) -> float:
    """How often a case that outcome about had the higher value than one that did not: the area under the ROC curve.

    Ties count half; NaN when there is only one class. Hanley & McNeil (1982).
    """
    outcome = np.asarray(actual, float) == 1
    ranks = pd.Series(np.asarray(value, float)).rank().to_numpy()
    yes, no = int(outcome.sum()), int((~outcome).sum())
    return float((ranks[outcome].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else float("nan")


def deciles(probability: ArrayLike, bins: int = BINS) -> "pd.Series[int]":
    """The bin of each case by its probability, 1 with the lowest: `bins` of equal size, fewer where many are equal."""
    return pd.Series(_deciles(np.asarray(probability, float), bins))


def _deciles(predicted: Matrix, bins: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """As `pandas.qcut` has them, in a tenth of its time; what is no number is in the first."""
    numbers = predicted[~np.isnan(predicted)]
    if not len(numbers):
        return np.ones(len(predicted), dtype="int64")
    edges = np.unique(np.percentile(numbers, np.linspace(0, 1, bins + 1) * 100))
    found = np.searchsorted(edges, predicted, side="left")
    return np.where(np.isnan(predicted), 1, np.clip(found, 1, max(len(edges) - 1, 1))).astype("int64")


def calibration_table(actual: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Mean probability beside the share of positive outcomes, over the `deciles`.

    One row per decile: decile, predicted (mean probability), outcome (share), cases, low and high (the share's 95 %
    interval by Wilson, 1927).
    """
    rows = pd.DataFrame({"predicted": np.asarray(probability, float), "outcome": np.asarray(actual, float)})
    grouped = rows.groupby(deciles(probability).rename("decile"))
    found = grouped.mean().assign(cases=grouped.size())
    low, high = wilson_interval(found["outcome"], found["cases"])
    return found.assign(low=low, high=high).reset_index()


def calibration_error(actual: ArrayLike, probability: ArrayLike) -> float:
    """The mean distance between probability and share over the rows of `calibration_table`, weighted by cases.

    Without that table, as the bootstrap asks for it some hundred times.
    """
    predicted = np.asarray(probability, float)
    decile = _deciles(predicted, BINS)
    distances = np.bincount(decile, predicted) - np.bincount(decile, np.asarray(actual, float))
    return float(np.abs(distances).sum() / len(predicted))


def wilson_interval(share: ArrayLike, cases: ArrayLike, z: float = 1.959964) -> tuple[Matrix, Matrix]:
    """The interval of a share of so many cases, at 95 %."""
    p, n = np.asarray(share, float), np.asarray(cases, float)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    wide = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.maximum(middle - wide, 0.0), np.minimum(middle + wide, 1.0)
