"""The mean of what several forecasters say, which errs less than most of them: Bates & Granger (1969).

Equal weights, for weights learned from a few folds seldom do better: Smith & Wallis (2009). The members stand alone.
"""

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
    """The mean of `members`, each fitted on the same history."""

    members: tuple[Forecaster, ...]
    problem: Problem | None = field(default=None, repr=False)

    def fit(self, history: pd.DataFrame, problem: Problem) -> "Combination":
        return replace(self, members=tuple(member.fit(history, problem) for member in self.members), problem=problem)

    def forecast(self, history: pd.DataFrame, horizon: int) -> pd.DataFrame:
        fitted_problem(self.problem)
        said = [member.forecast(history, horizon) for member in self.members]
        return said[0].assign(mean=np.mean([rows["mean"].to_numpy() for rows in said], axis=0))

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Combination":
        parameters, problem, _ = read_plain(folder)
        return cls(read_members(folder, parameters, KINDS, "combination"), problem)
