"""Calibration: from a classifier's probabilities to how often such cases are positive.

Showing how well it holds is for `probabilities.py`.
"""

from dataclasses import dataclass

import numpy as np

from s2p_assets.learning.forecasting.series import Matrix

SUREST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """log-odds = slope · log-odds said + intercept; Platt (1999) on log-odds. Slope 1 and intercept 0 change nothing.

    A slope of 0 says that the classifier knows nothing beyond the base rate.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def of(self, said: Matrix) -> Matrix:
        return np.asarray(1 / (1 + np.exp(-(self.slope * _log_odds(said) + self.intercept))))


def calibrated_on(said: Matrix, came: Matrix) -> Calibration:
    """The calibration under which `came` (1 or 0) is likeliest; never one that reverses their order."""
    from sklearn.linear_model import LogisticRegression

    if len({*came}) < 2:
        return Calibration()
    fitted = LogisticRegression(C=np.inf).fit(_log_odds(said)[:, None], came)
    slope = float(fitted.coef_[0, 0])
    if slope > 0:
        return Calibration(slope, float(fitted.intercept_[0]))
    rate = came.mean()
    return Calibration(0.0, float(np.log(rate / (1 - rate))))


def _log_odds(said: Matrix) -> Matrix:
    sure = np.clip(said, SUREST, 1 - SUREST)
    return np.asarray(np.log(sure / (1 - sure)))
