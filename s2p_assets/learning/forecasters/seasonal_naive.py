"""Seasonal naive: what was sold in the same period one season ago.

The moving average that it falls back to for young series is a forecaster of its own.
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
class SeasonalNaive:
    """The value one season before each period; for a series younger than that, the mean of its last `recent`."""

    recent: int = 8
    problem: Problem | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "SeasonalNaive":
        return replace(self, problem=problem)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        problem = fitted_problem(self.problem)
        past = panel(history, problem)
        young = moving_mean(past.values, self.recent)[-1]
        means = np.tile(young, (horizon, 1))
        for step in range(horizon):
            back = problem.season_length - step % problem.season_length
            if back <= len(past.times):
                means[step] = np.where(np.isnan(past.values[-back]), young, past.values[-back])
        return forecast_rows(past, means, problem)

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem)

    @classmethod
    def load(cls, folder: Path) -> "SeasonalNaive":
        parameters, problem, _ = read_plain(folder)
        return cls(**parameters, problem=problem)
