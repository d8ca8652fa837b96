"""The mean of several classifiers' probabilities, which errs less than most of them: Bates & Granger (1969).

The members stand alone in their own modules, and are tuned and calibrated there.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.learning.classifiers.boosting import Boosting
from s2p_assets.learning.classifiers.forest import Forest
from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.member_files import read_members, write_members
from s2p_assets.learning.model import Classifier, Outcome
from s2p_assets.learning.plain_files import fitted_problem, read_plain, write_plain

KINDS: dict[str, type[Classifier]] = {kind.__name__: kind for kind in (Boosting, Forest, Logistic)}


@dataclass(frozen=True)
class Mean:
    """The mean of the probabilities of `members`, each fitted on the same cases."""

    members: tuple[Classifier, ...]
    problem: Outcome | None = field(default=None, repr=False)

    def fit(self, cases: pd.DataFrame, problem: Outcome) -> "Mean":
        return replace(self, members=tuple(member.fit(cases, problem) for member in self.members), problem=problem)

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_problem(self.problem)
        return np.asarray(np.mean([member.probability(cases) for member in self.members], axis=0))

    def save(self, folder: Path) -> None:
        write_plain(folder, self, self.problem)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Mean":
        parameters, problem, _ = read_plain(folder)
        return cls(read_members(folder, parameters, KINDS, "mean"), problem)
