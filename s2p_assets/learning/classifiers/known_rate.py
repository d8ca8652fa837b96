"""A rate that stands in a feature already, taken at its word: what people read off a table.

Rates that are counted from the cases are for `group_rate.py`.
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
class KnownRate:
    """The share in `column`, within 0 and 1; the base rate of the known cases where there is none."""

    column: str
    problem: Outcome | None = field(default=None, repr=False)
    rate: float = field(default=0.5, repr=False)

    def fit(self, cases: pd.DataFrame, problem: Outcome) -> "KnownRate":
        return replace(self, problem=problem, rate=float(outcomes(cases, problem).mean()))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_problem(self.problem)
        values = cases[self.column].to_numpy("float64", na_value=np.nan)
        return np.asarray(np.clip(np.where(np.isnan(values), self.rate, values), 0.0, 1.0))

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem, rate=self.rate)

    @classmethod
    def load(cls, folder: Path) -> "KnownRate":
        parameters, problem, fitted = read_plain(folder)
        return cls(**parameters, problem=problem, rate=float(fitted["rate"]))
