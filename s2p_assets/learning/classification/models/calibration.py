"""Calibration: from a classifier's probabilities to how often such cases are positive.

Showing how well it holds is for `metrics.py`.
"""

from dataclasses import dataclass

import numpy as np

from s2p_assets.learning.forecasting.series import Matrix

MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Calibration:
    """log-odds = slope · log-odds predicted + intercept; Platt (1999) on log-odds. Slope 1 and intercept 0 change
    nothing.

    A slope of 0 says that the classifier knows nothing beyond the base rate.
    """

    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, predicted: Matrix) -> Matrix:
        return np.asarray(1 / (1 + np.exp(-(self.slope * log_odds(predicted) + self.intercept))))


def fit_calibration(predicted: Matrix, outcomes: Matrix) -> Calibration:
    """The calibration under which `outcomes` (1 or 0) is likeliest; never one that reverses their order."""
    from sklearn.linear_model import LogisticRegression

    if len({*outcomes}) < 2:
        return Calibration()
    fitted = LogisticRegression(C=np.inf).fit(log_odds(predicted)[:, None], outcomes)
    slope = float(fitted.coef_[0, 0])
    if slope > 0:
        return Calibration(slope, float(fitted.intercept_[0]))
    rate = outcomes.mean()
    return Calibration(0.0, float(np.log(rate / (1 - rate))))


def log_odds(predicted: Matrix) -> Matrix:
    """Of probabilities, which are clipped to one in a million."""
    sure = np.clip(predicted, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return np.asarray(np.log(sure / (1 - sure)))
