"""The rate of a group: how often it came about in the last cases with the same value in a column.

A rate that features bring with them is for `known_rate.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import outcome_values, require_learnable
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner


@dataclass(frozen=True)
class GroupRate:
    """By `by`, the rate over the group's `last` decided cases, drawn to the rate of all as by `weight` more cases."""

    by: str
    last: int = 100
    weight: float = 20.0
    task: ClassificationTask | None = field(default=None, repr=False)
    overall: float = field(default=0.5, repr=False)
    rates: Mapping[str, float] = field(default_factory=dict, repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "GroupRate":
        require_learnable(self.by, task)
        known = cases.sort_values(task.decided, kind="stable")
        outcome = pd.Series(outcome_values(known, task), index=known.index)
        recent = outcome.groupby(known[self.by].astype("string")).tail(self.last)
        overall, by_group = float(outcome.mean()), recent.groupby(known[self.by].astype("string"))
        rates = (by_group.sum() + self.weight * overall) / (by_group.size() + self.weight)
        return replace(self, task=task, overall=overall, rates={str(k): float(v) for k, v in rates.items()})

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        return np.asarray(cases[self.by].astype("string").map(dict(self.rates)).astype(float).fillna(self.overall))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task, overall=self.overall, rates=dict(self.rates))

    @classmethod
    def load(cls, folder: Path) -> "GroupRate":
        parameters, task, fitted = read_learner(folder)
        return cls(**parameters, task=task, overall=float(fitted["overall"]), rates=dict(fitted["rates"]))
