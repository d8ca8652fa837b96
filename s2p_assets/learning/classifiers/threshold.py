"""A plain rule as people use it: yes at or below a value, no above it.

Rates by group are for `group_rate.py`.
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
class Threshold:
    """How often it came about in the known cases with `column` at most `at_most`, above it, and without a value."""

    column: str
    at_most: float
    problem: Outcome | None = field(default=None, repr=False)
    rates: tuple[float, float, float] = field(default=(0.5, 0.5, 0.5), repr=False)

    def fit(self, cases: pd.DataFrame, problem: Outcome) -> "Threshold":
        side, came = self._side(cases), outcomes(cases, problem)
        rates = [float((came[side == at].sum() + came.mean()) / ((side == at).sum() + 1)) for at in range(3)]
        return replace(self, problem=problem, rates=(rates[0], rates[1], rates[2]))

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_problem(self.problem)
        return np.asarray(self.rates)[self._side(cases)]

    def _side(self, cases: pd.DataFrame) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
        """0 at or below, 1 above, 2 unknown."""
        values = cases[self.column].to_numpy("float64", na_value=np.nan)
        return np.where(np.isnan(values), 2, (values > self.at_most).astype("int64"))

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem, rates=list(self.rates))

    @classmethod
    def load(cls, folder: Path) -> "Threshold":
        parameters, problem, fitted = read_plain(folder)
        low, high, unknown = fitted["rates"]
        return cls(**parameters, problem=problem, rates=(low, high, unknown))
