"""How wrong a forecast was: pure functions on arrays of equal length.

Where the numbers come from is for `backtest.py`; what follows from them is for `champion.py`.
"""

import numpy as np
from numpy.typing import ArrayLike

from s2p_assets.learning.forecasting.series import Matrix


def wape(actual: ArrayLike, mean: ArrayLike) -> float:
    """Weighted absolute percentage error: sum of |error| over the sum of actuals; NaN when nothing was sold."""
    return _share(np.abs(_errors(actual, mean)).sum(), np.abs(np.asarray(actual, float)).sum())


def bias(actual: ArrayLike, mean: ArrayLike) -> float:
    """Sum of (forecast − actual) over the sum of actuals: 0.1 is 10 % too much; NaN when nothing was sold."""
    return _share(_errors(actual, mean).sum(), np.abs(np.asarray(actual, float)).sum())


def mase(actual: ArrayLike, mean: ArrayLike, scale: float) -> float:
    """Mean absolute error over `scale`, the mean absolute error of naive; Hyndman & Koehler (2006)."""
    return _share(float(np.abs(_errors(actual, mean)).mean()), scale)


def rmsse(actual: ArrayLike, mean: ArrayLike, scale: float) -> float:
    """Root of the mean squared error over `scale`, the mean squared error of naive; the M5 measure."""
    return float(np.sqrt(_share(float((_errors(actual, mean) ** 2).mean()), scale)))


def pinball(actual: ArrayLike, quantile: ArrayLike, level: float) -> float:
    """Mean quantile loss at `level`, in units of the actuals; Koenker & Bassett (1978)."""
    short = -_errors(actual, quantile)
    return float(np.maximum(level * short, (level - 1) * short).mean())


def coverage(actual: ArrayLike, low: ArrayLike, high: ArrayLike) -> float:
    """Share of actuals between `low` and `high`, both included."""
    truth = np.asarray(actual, float)
    return float(((truth >= np.asarray(low, float)) & (truth <= np.asarray(high, float))).mean())


def weighted_mean(values: ArrayLike, weights: ArrayLike) -> float:
    """Mean of `values` by `weights`; missing values do not count; NaN when none has a weight.

    Of RMSSE by the sales of the last periods known, it is WRMSSE; Makridakis et al. (2022).
    """
    parts, weight = np.asarray(values, float), np.asarray(weights, float)
    weight = np.where(np.isnan(parts), 0.0, np.nan_to_num(weight))
    return _share(float((np.nan_to_num(parts) * weight).sum()), float(weight.sum()))


def naive_scales(values: Matrix) -> tuple[Matrix, Matrix]:
    """Mean absolute and mean squared one-step change of each column of `values` (times × entities).

    Counted from the first sale on, as in M5; NaN for a series that never changed after it.
    """
    started = np.cumsum(np.nan_to_num(values) > 0, axis=0) > 0
    change = np.diff(np.where(started, values, np.nan), axis=0)
    known = ~np.isnan(change)
    count = np.maximum(known.sum(axis=0), 1)
    absolute = np.where(known, np.abs(change), 0.0).sum(axis=0) / count
    squared = np.where(known, change**2, 0.0).sum(axis=0) / count
    return np.where(absolute > 0, absolute, np.nan), np.where(squared > 0, squared, np.nan)


def _errors(actual: ArrayLike, mean: ArrayLike) -> Matrix:
    return np.asarray(np.asarray(mean, float) - np.asarray(actual, float))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
