"""Whether a version in service errs more than it did in its backtests, measured on newer periods.

Backtests are made in `backtest.py`; what follows from an error above its band is for `graph/`.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.distributions import student_quantile
from s2p_assets.learning.forecasting.backtest import known_at_cutoff
from s2p_assets.learning.forecasting.learnable import sold_rows
from s2p_assets.learning.forecasting.series import lean, with_target
from s2p_assets.learning.selection.paired_test import MIN_FOLDS, SIGNIFICANCE_LEVEL
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class RecentError:
    """How far a version was off on the `periods` since its training, and the most that its folds let expect.

    Errors are shares of what was sold in as many periods before the forecast: over what is sold then, as in WAPE, a
    surge could never be off by more than all of it.
    """

    periods: int
    share: float
    usual: float
    highest: float

    @property
    def error(self) -> float:
        """What is held against the band."""
        return self.share

    @property
    def is_above(self) -> bool:
        return self.share > self.highest

    @property
    def description(self) -> str:
        word = "above" if self.is_above else "within"
        return (
            f"errors on the {self.periods} newest periods are {self.share:.1%} of the demand before, "
            f"{word} their band: {self.usual:.1%} in backtests, at most {self.highest:.1%}"
        )


def recent_error(made: ModelVersion[ForecastTask], history: pd.DataFrame) -> RecentError | None:
    """How wrong `made` was on the periods in `history` after those that it learned from, up to its horizon.

    The band is the one-sided 95 % prediction interval for one more fold, by Student's t over the folds' errors at the
    same steps. None when no period is newer, nothing was sold, or there are too few folds to know a band.
    """
    task, last = made.task, made.backtest["time"].max()
    whole = sold_rows(lean(history, task), task)
    sold = with_target(whole, task)
    newer = sold.loc[sold[task.time] > last]
    periods = min(newer[task.time].nunique(), task.horizon)
    if periods == 0 or len(newer) == len(sold) or len(made.cutoffs) < MIN_FOLDS:
        return None
    learner = cast("Forecaster", made.learner)
    forecast = learner.forecast(known_at_cutoff(last, whole, task), periods)
    actual = newer[[task.entity, task.time, task.target]].set_axis(["entity", "time", "actual"], axis=1)
    actual["censored"] = newer[task.censored].to_numpy(bool) if task.censored else False
    totals = sold.groupby(task.time)[task.target].sum()
    share = _share(forecast.merge(actual, on=["entity", "time"]), totals[:last], periods)
    usual, highest = _band(made.backtest.loc[made.backtest["step"] <= periods], totals, periods)
    return RecentError(periods, share, usual, highest) if np.isfinite([share, highest]).all() else None


def _share(rows: pd.DataFrame, before: "pd.Series[float]", periods: int) -> float:
    """The sum of errors over what was sold in the last `periods` of `before`; NaN when one of them is 0 or missing.

    Where stock ran out, demand was what was sold or more: such a row counts only if more was sold than forecast.
    """
    counted = rows.loc[~rows["censored"].astype(bool) | (rows["actual"] > rows["mean"])]
    usual = float(before.iloc[-periods:].sum())
    error = float((counted["mean"] - counted["actual"]).abs().sum())
    return error / usual if usual > 0 and len(counted) else float("nan")


def _band(backtest: pd.DataFrame, totals: "pd.Series[float]", periods: int) -> tuple[float, float]:
    """The mean share of the folds, and the upper end of the interval for one more."""
    folds = np.array([_share(rows, totals[:cutoff], periods) for cutoff, rows in backtest.groupby("cutoff")])
    folds = folds[np.isfinite(folds)]
    if len(folds) < MIN_FOLDS:
        return float("nan"), float("nan")
    wide = student_quantile(1 - SIGNIFICANCE_LEVEL, len(folds) - 1) * folds.std(ddof=1) * np.sqrt(1 + 1 / len(folds))
    return float(folds.mean()), float(folds.mean() + wide)
