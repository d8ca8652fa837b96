"""Whether a version in service errs more than it did in its backtests, measured on what came since.

Backtests are made in `backtest.py`; what follows from an error above its band is for `graph/`.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.learning import metrics
from s2p_assets.learning.beyond_noise import LEAST_FOLDS, LEVEL
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.series import learnable, regular
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class RecentError:
    """The WAPE of a version's forecast of the `periods` that came since, and the highest that its folds let expect."""

    periods: int
    wape: float
    usual: float
    highest: float

    @property
    def is_above(self) -> bool:
        return self.wape > self.highest

    @property
    def says(self) -> str:
        word = "above" if self.is_above else "within"
        return (
            f"WAPE {self.wape:.1%} on the {self.periods} newest periods, {word} its band: "
            f"{self.usual:.1%} in backtests, at most {self.highest:.1%}"
        )


def recent_error(made: ModelVersion[Problem], history: pd.DataFrame) -> RecentError | None:
    """How wrong `made` was on the periods in `history` after those that it learned from, up to its horizon.

    The band is the one-sided 95 % prediction interval for one more fold, by Student's t over the folds' WAPE at the
    same steps. None when nothing came since, nothing was sold, or there are too few folds to know a band.
    """
    problem, last = made.problem, made.backtest["time"].max()
    sold = regular(history, problem)
    newer = sold.loc[sold[problem.time] > last]
    periods = min(newer[problem.time].nunique(), problem.horizon)
    known = history.loc[history[problem.time] <= last]
    if periods == 0 or known.empty or len(made.cutoffs) < LEAST_FOLDS:
        return None
    forecast = cast("Forecaster", made.learner).forecast(learnable(known, problem), periods)
    counted = newer if problem.censored is None else newer.loc[~newer[problem.censored].to_numpy(bool)]
    actual = counted[[problem.entity, problem.time, problem.target]].set_axis(["entity", "time", "actual"], axis=1)
    both = forecast.merge(actual, on=["entity", "time"])
    wape = metrics.wape(both["actual"], both["mean"])
    usual, highest = _band(made.backtest.loc[made.backtest["step"] <= periods])
    return RecentError(periods, wape, usual, highest) if np.isfinite([wape, highest]).all() else None


def _band(backtest: pd.DataFrame) -> tuple[float, float]:
    """The mean WAPE of the folds, and the upper end of the interval for one more."""
    from scipy.stats import t

    counted = backtest.loc[~backtest["censored"].astype(bool)]
    folds = np.array([metrics.wape(rows["actual"], rows["mean"]) for _, rows in counted.groupby("fold")])
    folds = folds[np.isfinite(folds)]
    if len(folds) < LEAST_FOLDS:
        return float("nan"), float("nan")
    wide = float(t.ppf(1 - LEVEL, len(folds) - 1)) * folds.std(ddof=1) * np.sqrt(1 + 1 / len(folds))
    return float(folds.mean()), float(folds.mean() + wide)
