"""Moving average: the mean of the last periods, the same for every step.

Weights, trends and seasons belong to other forecasters.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.series import forecast_rows, panel
from s2p_assets.learning.model import Problem
from s2p_assets.learning.plain_files import fitted_problem, read_plain, write_plain


@dataclass(frozen=True)
class MovingAverage:
    """The mean of each series' last `periods`, or of as many as it has."""

    periods: int = 8
    problem: Problem | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "MovingAverage":
        return replace(self, problem=problem)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        problem = fitted_problem(self.problem)
        past = panel(history, problem)
        return forecast_rows(past, np.tile(moving_mean(past.values, self.periods)[-1], (horizon, 1)), problem)

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem)

    @classmethod
    def load(cls, folder: Path) -> "MovingAverage":
        parameters, problem, _ = read_plain(folder)
        return cls(**parameters, problem=problem)
