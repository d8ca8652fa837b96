"""Moving average: the mean of the last periods, the same for every step.

Weights, trends and seasons belong to other forecasters.
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
class MovingAverage:
    """The mean of each series' last `periods`, or of as many as it has."""

    learns: ClassVar[bool] = False
    periods: int = 8
    task: ForecastTask | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, task: ForecastTask) -> "MovingAverage":
        return replace(self, task=task)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        task = fitted_task(self.task)
        past = panel(history, task)
        return forecast_rows(past, np.tile(moving_mean(past.values, self.periods)[-1], (horizon, 1)), task)

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)

    @classmethod
    def load(cls, folder: Path) -> "MovingAverage":
        parameters, task, _ = read_learner(folder)
        return cls(**parameters, task=task)
