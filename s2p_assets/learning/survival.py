"""Survival: how long what is open will still last, by how long such cases lasted before.

How it will end is a classifier's business.
"""

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.series import Matrix


def hazard_rates(ended: pd.Series, going_on: pd.Series) -> Matrix:
    """Age in days → the share of those that reached it which ended at it; Kaplan & Meier (1958).

    `ended`: ages at the end; `going_on`: present ages of what has not ended. Nothing is known beyond the oldest end.
    """
    ends = np.bincount(ended.to_numpy("int64"), minlength=1)
    stopped = np.bincount(np.minimum(going_on.to_numpy("int64"), len(ends)), minlength=len(ends) + 1)
    reached = (ends[::-1].cumsum()[::-1] + stopped[::-1].cumsum()[::-1][:-1]).astype(float)
    return np.divide(ends, reached, out=np.zeros(len(ends)), where=reached > 0)


def end_probability_by_month(ages: pd.Series, today: pd.Timestamp, known: Matrix, months: int) -> pd.DataFrame:
    """How probably each thing ends in each of the next `months` calendar months, the present one among them.

    `ages`: in days, one per thing; `known`: as of `hazard_rates`. Rows under the index of `ages`, columns the first
    days of the months; what is left to 1 ends later, or at an age of which nothing is known.
    """
    first = today.to_period("M").to_timestamp()
    starts = pd.date_range(first, periods=months + 1, freq="MS")
    ahead = np.clip((starts - today).days.to_numpy(), 0, None)
    survival = np.append(np.cumprod(1 - known), 0.0)
    unknown = float(survival[len(known) - 1]) if len(known) else 1.0
    age = np.clip(ages.to_numpy("int64")[:, None] + ahead[None, :], 0, len(known))
    left = np.where(age < 1, 1.0, np.where(age >= len(known), unknown, survival[np.maximum(age - 1, 0)]))
    ends = -np.diff(left, axis=1) / np.where(left[:, :1] > 0, left[:, :1], 1.0)
    beyond = ages.to_numpy("int64") >= len(known)
    ends[beyond] = 0.0
    return pd.DataFrame(ends, index=ages.index, columns=starts[:-1])
