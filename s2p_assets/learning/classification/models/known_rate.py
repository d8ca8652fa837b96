"""A rate that stands in a feature already, taken at its word: what people read off a table.

Rates that are counted from the cases are for `group_rate.py`.
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
class KnownRate:
    """The share in `column`, within 0 and 1; the base rate of the known cases where there is none."""

    column: str
    task: ClassificationTask | None = field(default=None, repr=False)
    rate: float = field(default=0.5, repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "KnownRate":
        require_learnable(self.column, task)
        return replace(self, task=task, rate=float(outcome_values(cases, task).mean()))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        values = cases[self.column].to_numpy("float64", na_value=np.nan)
        return np.asarray(np.clip(np.where(np.isnan(values), self.rate, values), 0.0, 1.0))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, rate=self.rate)

    @classmethod
    def load(cls, folder: Path) -> "KnownRate":
        parameters, task, fitted = read_learner(folder)
        return cls(**parameters, task=task, rate=float(fitted["rate"]))
