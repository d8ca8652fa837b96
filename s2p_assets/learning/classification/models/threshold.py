"""A plain rule as people use it: yes at or below a value, no above it.

Rates by group are for `group_rate.py`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import outcome_values, require_learnable
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner


@dataclass(frozen=True)
class Threshold:
    """How often it came about in the known cases with `column` at most `at_most`, above it, and without a value."""

    column: str
    at_most: float
    task: ClassificationTask | None = field(default=None, repr=False)
    rates: tuple[float, float, float] = field(default=(0.5, 0.5, 0.5), repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "Threshold":
        require_learnable(self.column, task)
        side, outcome = self._side(cases), outcome_values(cases, task)
        rates = [float((outcome[side == at].sum() + outcome.mean()) / ((side == at).sum() + 1)) for at in range(3)]
        return replace(self, task=task, rates=(rates[0], rates[1], rates[2]))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        return np.asarray(self.rates)[self._side(cases)]

    def _side(self, cases: pd.DataFrame) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """0 at or below, 1 above, 2 unknown."""
        values = cases[self.column].to_numpy("float64", na_value=np.nan)
        return np.where(np.isnan(values), 2, (values > self.at_most).astype("int64"))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, rates=list(self.rates))

    @classmethod
    def load(cls, folder: Path) -> "Threshold":
        parameters, task, fitted = read_learner(folder)
        low, high, unknown = fitted["rates"]
        return cls(**parameters, task=task, rates=(low, high, unknown))
