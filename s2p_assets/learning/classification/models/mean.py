"""The mean of several classifiers' probabilities, which errs less than most of them: Bates & Granger (1969).

The members stand alone in their own modules, and are tuned and calibrated there.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.forest import Forest
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner
from s2p_assets.learning.registry.member_files import read_members, write_members

MEMBER_CLASSES: dict[str, type[Classifier]] = {kind.__name__: kind for kind in (Boosting, Forest, Logistic)}


@dataclass(frozen=True)
class Mean:
    """The mean of the probabilities of `members`, each fitted on the same cases."""

    members: tuple[Classifier, ...]
    task: ClassificationTask | None = field(default=None, repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "Mean":
        return replace(self, members=tuple(member.fit(cases, task) for member in self.members), task=task)

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        return np.asarray(np.mean([member.probability(cases) for member in self.members], axis=0))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Mean":
        parameters, task, _ = read_learner(folder)
        return cls(read_members(folder, parameters, MEMBER_CLASSES, "mean"), task)
