"""Recalibration on the newest outcomes: whether a model's errors in one fold would have mended its next one.

What a calibration does is in `models/calibration.py`; measuring how well probabilities hold is in `reliability.py`.
"""

from typing import Any, cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Classifier
from s2p_assets.learning.classification.metrics import log_losses
from s2p_assets.learning.classification.models.calibration import Calibration, log_odds
from s2p_assets.learning.classification.models.recalibrated import LEARNED, Recalibrated
from s2p_assets.learning.forecasting.series import Matrix

HALF, WORTH, FEWEST = 0.5, 0.005, 50
DAMPED = 0.5
"""A model that is trained anew has learned half of a drift by itself."""
PRIOR_DEVIATION = 0.5
STEPS = 12


def recalibrated(fitted: Any, backtest: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    """The fitted learner, recalibrated where that pays, and its backtest with what it would have said then.

    Each fold is recalibrated on the outcomes of earlier folds that were known when it began, the newest counting most.
    It pays when that lowers the log loss of the folds that could be by over half a per cent, the last one's too.
    """
    if type(fitted) not in LEARNED.values():
        return fitted, backtest
    said, loss_before = backtest["probability"].to_numpy(float), log_losses(backtest["actual"], backtest["probability"])
    mended, later = said.copy(), np.zeros(len(said), bool)
    for fold, rows in backtest.groupby("fold"):
        found = _newest(backtest[(backtest["fold"] < fold) & (backtest["decided"] < rows["cutoff"].iloc[0])])
        if found is not None:
            at = (backtest["fold"] == fold).to_numpy()
            mended[at], later[at] = found.apply(said[at]), True
    last = (backtest["fold"] == backtest["fold"].max()).to_numpy()
    now = _newest(backtest)
    loss_after = log_losses(backtest["actual"], mended)
    pays = all(
        which.any() and loss_after[which].mean() < (1 - WORTH) * loss_before[which].mean() for which in (later, last)
    )
    if not pays or now is None:
        return fitted, backtest
    wrapped = Recalibrated((cast("Classifier", fitted),), now.slope, now.intercept, fitted.task)
    return wrapped, backtest.assign(probability=mended)


def plain_learner(learner: Any) -> Any:
    """What was recalibrated; any other learner itself."""
    return learner.members[0] if isinstance(learner, Recalibrated) else learner


def _newest(known: pd.DataFrame) -> Calibration | None:
    """The calibration on what is known, damped; None where too few cases of both outcomes are."""
    if known["entity"].nunique() < FEWEST or known["actual"].nunique() < 2:
        return None
    weights = HALF ** (known["fold"].max() - known["fold"].to_numpy(float))
    weights = weights / known.groupby("entity")["entity"].transform("size").to_numpy(float)
    slope, intercept = weighted_calibration(
        known["probability"].to_numpy(float), known["actual"].to_numpy(float), weights
    )
    return Calibration(1 + DAMPED * (max(slope, 0.0) - 1), DAMPED * intercept)


def weighted_calibration(
    predicted: Matrix, actual: Matrix, weights: Matrix, deviation: float = PRIOR_DEVIATION
) -> tuple[float, float]:
    """Slope and intercept of the log-odds under which `actual` is likeliest, drawn to 1 and 0 as by a normal prior.

    By Newton's steps on two numbers: Cox (1958).
    """
    odds = log_odds(predicted)
    design = np.column_stack([odds, np.ones(len(odds))])
    usual, precision = np.array([1.0, 0.0]), np.eye(2) / deviation**2
    found = usual.copy()
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slopes = design.T @ (weights * (actual - said)) - precision @ (found - usual)
        curve = (design * (weights * said * (1 - said))[:, None]).T @ design + precision
        found = found + np.linalg.solve(curve, slopes)
    return float(found[0]), float(found[1])
