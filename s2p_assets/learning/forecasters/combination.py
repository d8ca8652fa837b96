"""The mean of several forecasts, which errs less than most of them: Bates & Granger (1969).

Weights are given, not learned: from a few folds they seldom do better, Smith & Wallis (2009). The members stand alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.moving_average import MovingAverage
from s2p_assets.learning.forecasters.prophet_total import ProphetTotal
from s2p_assets.learning.forecasters.seasonal_naive import SeasonalNaive
from s2p_assets.learning.forecasters.smoothing import Smoothing
from s2p_assets.learning.member_files import read_members, write_members
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.plain_files import fitted_problem, read_plain, write_plain

KINDS: dict[str, type[Forecaster]] = {
    kind.__name__: kind for kind in (Boosting, MovingAverage, ProphetTotal, SeasonalNaive, Smoothing)
}


@dataclass(frozen=True)
class Combination:
    """The mean of `members`, each fitted on the same history, by `weights`: one each, or none for equal ones."""

    members: tuple[Forecaster, ...]
    weights: tuple[float, ...] = ()
    problem: Problem | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "Combination":
        return replace(self, members=tuple(member.fit(history, problem) for member in self.members), problem=problem)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        fitted_problem(self.problem)
        return self.between([member.forecast(history, horizon) for member in self.members])

    def between(self, said: Sequence[pd.DataFrame]) -> pd.DataFrame:
        """The weighted mean of the members' rows, which are of the same entities and times, in the same order."""
        means = [rows["mean"].to_numpy() for rows in said]
        return said[0].assign(mean=np.average(means, axis=0, weights=self.weights or None))

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Combination":
        parameters, problem, _ = read_plain(folder)
        members = read_members(folder, parameters, KINDS, "combination")
        return cls(members, tuple(parameters["weights"]), problem)
