"""What was known of a series at each moment: lags, moving statistics and age, over (times × entities) matrices.

Row t of every result uses rows up to and including t; `lag(…, 1)` makes it "before t". No frames, no models here.
"""

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.series import Matrix


def lag(values: Matrix, periods: int) -> Matrix:
    """The value `periods` rows earlier; NaN where there is none."""
    shifted = np.full_like(values, np.nan)
    shifted[periods:] = values[: max(len(values) - periods, 0)]
    return shifted


def moving_mean(values: Matrix, periods: int) -> Matrix:
    """Mean of the last `periods` rows that have a value; NaN where none has."""
    total, count = _moving_sums(np.nan_to_num(values), periods), _moving_sums(~np.isnan(values) * 1.0, periods)
    return np.divide(total, count, out=np.full_like(values, np.nan), where=count > 0)


def moving_std(values: Matrix, periods: int) -> Matrix:
    """Population standard deviation of the last `periods` rows that have a value."""
    return pd.DataFrame(values).rolling(periods, min_periods=1).std(ddof=0).to_numpy()


def share_of_zeros(values: Matrix, periods: int) -> Matrix:
    """Share of zero rows among the last `periods` rows that have a value."""
    return moving_mean(np.where(np.isnan(values), np.nan, values == 0), periods)


def last_known(values: Matrix) -> Matrix:
    """The newest value that is not missing."""
    return pd.DataFrame(values).ffill().to_numpy()


def age(values: Matrix) -> Matrix:
    """Rows since the first positive value, 0 in that row; NaN before it."""
    started = np.cumsum(np.nan_to_num(values) > 0, axis=0) > 0
    return np.where(started, np.cumsum(started, axis=0) - 1.0, np.nan)


def periods_since_positive(values: Matrix) -> Matrix:
    """Rows since the last positive value, 0 in that row; NaN before the first."""
    rows = np.arange(len(values), dtype=float)[:, None]
    last = np.where(np.nan_to_num(values) > 0, rows, np.nan)
    return rows - last_known(last)


def last_silence(values: Matrix) -> Matrix:
    """Rows since the last positive value as of the last row, 0 where none ever was."""
    positive = values[::-1] > 0
    return np.where(positive.any(axis=0), positive.argmax(axis=0), 0).astype(float)


def same_weekday_mean(values: Matrix, weeks: int) -> Matrix:
    """Mean of the last `weeks` rows that lie whole sevens back, the row itself included."""
    result = np.empty_like(values)
    for first in range(min(7, len(values))):
        result[first::7] = moving_mean(values[first::7], weeks)
    return result


def ratio_to_usual(values: Matrix, periods: int) -> Matrix:
    """The value over the mean of the last `periods`; NaN where that is missing or zero."""
    usual = moving_mean(values, periods)
    return np.divide(values, usual, out=np.full_like(values, np.nan), where=usual > 0)


def others_sum(values: Matrix, groups: "np.ndarray[tuple[int, ...], np.dtype[np.intp]]") -> Matrix:
    """Per column the sum of the other columns of its group (one number per column), missing values as nothing.

    0 where a column is alone in its group.
    """
    known, order = np.nan_to_num(values), np.argsort(groups, kind="stable")
    names, starts = np.unique(groups[order], return_index=True)
    together = np.add.reduceat(known[:, order], starts, axis=1)
    return np.maximum(together[:, np.searchsorted(names, groups)] - known, 0.0)


def _moving_sums(values: Matrix, periods: int) -> Matrix:
    summed = np.cumsum(values, axis=0)
    summed[periods:] = summed[periods:] - summed[:-periods]
    return np.maximum(summed, 0.0)
