"""The base rate: the same probability for every case. It is the plainest baseline.

Rates that differ by a column belong to `group_rate.py` and `threshold.py`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import outcome_values
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner


@dataclass(frozen=True)
class BaseRate:
    """How often it came about in the `last` decided cases, or in all that are known."""

    last: int | None = None
    task: ClassificationTask | None = field(default=None, repr=False)
    rate: float = field(default=0.5, repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "BaseRate":
        known = outcome_values(cases.sort_values(task.decided, kind="stable"), task)
        return replace(self, task=task, rate=float(known[-(self.last or len(known)) :].mean()))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        return np.full(len(cases), self.rate)

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, rate=self.rate)

    @classmethod
    def load(cls, folder: Path) -> "BaseRate":
        parameters, task, fitted = read_learner(folder)
        return cls(**parameters, task=task, rate=float(fitted["rate"]))
