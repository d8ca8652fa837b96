"""Seasonal naive: what was sold in the same period one season ago.

The moving average that it falls back to for young series is a forecaster of its own.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.series import forecast_rows, panel
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner


@dataclass(frozen=True)
class SeasonalNaive:
    """The value one season before each period; for a series younger than that, the mean of its last `recent`."""

    learns: ClassVar[bool] = False
    recent: int = 8
    task: ForecastTask | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "SeasonalNaive":
        return replace(self, task=task)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        task = fitted_task(self.task)
        past = panel(history, task)
        young = moving_mean(past.values, self.recent)[-1]
        means = np.tile(young, (horizon, 1))
        for step in range(horizon):
            back = task.season_length - step % task.season_length
            if back <= len(past.times):
                means[step] = np.where(np.isnan(past.values[-back]), young, past.values[-back])
        return forecast_rows(past, means, task)

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)

    @classmethod
    def load(cls, folder: Path) -> "SeasonalNaive":
        parameters, task, _ = read_learner(folder)
        return cls(**parameters, task=task)
