"""The base rate: the same probability for every case. It is the floor of classifiers.

Rates that differ by a column belong to `group_rate.py` and `threshold.py`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.learning.classifying.cases import outcomes
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.model import Outcome
from s2p_assets.learning.plain_files import fitted_problem, read_plain, write_plain


@dataclass(frozen=True)
class BaseRate:
    """How often it came about in the `last` decided cases, or in all that are known."""

    last: int | None = None
    problem: Outcome | None = field(default=None, repr=False)
    rate: float = field(default=0.5, repr=False)

    def fit(self, cases: pd.DataFrame, problem: Outcome) -> "BaseRate":
        known = outcomes(cases.sort_values(problem.decided, kind="stable"), problem)
        return replace(self, problem=problem, rate=float(known[-(self.last or len(known)) :].mean()))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_problem(self.problem)
        return np.full(len(cases), self.rate)

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem, rate=self.rate)

    @classmethod
    def load(cls, folder: Path) -> "BaseRate":
        parameters, problem, fitted = read_plain(folder)
        return cls(**parameters, problem=problem, rate=float(fitted["rate"]))
