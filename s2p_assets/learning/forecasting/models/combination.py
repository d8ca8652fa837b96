"""The mean of several forecasts, which errs less than most of them: Bates & Granger (1969).

Weights are given, not learned: from a few folds they seldom do better, Smith & Wallis (2009). The members stand alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasting.models.smoothing import Smoothing
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner
from s2p_assets.learning.registry.member_files import read_members, write_members

MEMBER_CLASSES: dict[str, type[Forecaster]] = {
    kind.__name__: kind for kind in (Boosting, MovingAverage, ProphetTotal, SeasonalNaive, Smoothing)
}


@dataclass(frozen=True)
class Combination:
    """The mean of `members`, each fitted on the same history, by `weights`: one each, or none for equal ones."""

    members: tuple[Forecaster, ...]
    weights: tuple[float, ...] = ()
    task: ForecastTask | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "Combination":
        return replace(self, members=tuple(member.fit(history, task) for member in self.members), task=task)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        fitted_task(self.task)
        return self._mean([member.forecast(history, horizon) for member in self.members])

    def combine(self, backtests: Sequence[pd.DataFrame], task: ForecastTask) -> pd.DataFrame:
        """The backtest of the combination, of its members' on the same folds."""
        aged = self._mean([rows.assign(mean=rows["aged"]) for rows in backtests])["mean"]
        return self._mean(backtests).assign(aged=aged)

    def fitted(
        self, members: Sequence[Forecaster], backtests: Sequence[pd.DataFrame], task: ForecastTask
    ) -> "Combination":
        """A fitted copy of `members` that are fitted."""
        return replace(self, members=tuple(members), task=task)

    def _mean(self, forecasts: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The weighted mean of the members' rows, which are of the same entities and times, in the same order."""
        means = [rows["mean"].to_numpy() for rows in forecasts]
        return forecasts[0].assign(mean=np.average(means, axis=0, weights=self.weights or None))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Combination":
        parameters, task, _ = read_learner(folder)
        members = read_members(folder, parameters, MEMBER_CLASSES, "combination")
        return cls(members, tuple(parameters["weights"]), task)
