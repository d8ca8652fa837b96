"""How good probabilities were: pure functions on arrays of outcomes (1 or 0) and of their probabilities.

Where they come from is for `time_folds.py`; what follows from them is for `scores.py`.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.learning.forecasting.series import Matrix

SUREST = 1e-4
BINS = 10


def log_losses(actual: ArrayLike, probability: ArrayLike) -> Matrix:
    """−ln of the probability given to the actual outcome, per case; probabilities are clipped to 1 in 10,000."""
    came, said = np.asarray(actual, float), np.clip(np.asarray(probability, float), SUREST, 1 - SUREST)
    return np.asarray(-np.log(np.where(came == 1, said, 1 - said)))


def brier(actual: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared distance of probability and outcome; Brier (1950)."""
    return float(((np.asarray(probability, float) - np.asarray(actual, float)) ** 2).mean())


def accuracy(actual: ArrayLike, probability: ArrayLike) -> float:
    """The share of cases in which the likelier class was right; 0.5 counts as yes."""
    return float(((np.asarray(probability, float) >= 0.5) == (np.asarray(actual, float) == 1)).mean())


def auc(actual: ArrayLike, value: ArrayLike) -> float:
    """How often a case that came about had the higher value than one that did not: the area under the ROC curve.

    Ties count half; NaN when there is only one class. Hanley & McNeil (1982).
    """
    came = np.asarray(actual, float) == 1
    ranks = pd.Series(np.asarray(value, float)).rank().to_numpy()
    yes, no = int(came.sum()), int((~came).sum())
    return float((ranks[came].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else float("nan")


def parts(probability: ArrayLike, bins: int = BINS) -> "pd.Series[int]":
    """The bin of each case by its probability, 1 with the lowest: `bins` of equal size, fewer where many are equal."""
    said = pd.Series(np.asarray(probability, float))
    return pd.Series(pd.qcut(said, bins, labels=False, duplicates="drop").fillna(0).astype("int64") + 1)


def calibration(actual: ArrayLike, probability: ArrayLike) -> pd.DataFrame:
    """Mean probability beside the share of positive outcomes, over the `parts`.

    One row per part: part, said (mean probability), came (share), cases, low and high (the share's 95 % interval
    by Wilson, 1927).
    """
    rows = pd.DataFrame({"said": np.asarray(probability, float), "came": np.asarray(actual, float)})
    grouped = rows.groupby(parts(probability).rename("part"))
    found = grouped.mean().assign(cases=grouped.size())
    low, high = wilson(found["came"], found["cases"])
    return found.assign(low=low, high=high).reset_index()


def calibration_error(actual: ArrayLike, probability: ArrayLike) -> float:
    """The mean distance between probability and share over the rows of `calibration`, weighted by cases."""
    found = calibration(actual, probability)
    return float(np.average((found["said"] - found["came"]).abs(), weights=found["cases"]))


def wilson(share: ArrayLike, cases: ArrayLike, z: float = 1.959964) -> tuple[Matrix, Matrix]:
    """The interval of a share of so many cases, at 95 %."""
    p, n = np.asarray(share, float), np.asarray(cases, float)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    wide = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.maximum(middle - wide, 0.0), np.minimum(middle + wide, 1.0)
