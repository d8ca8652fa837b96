"""A fitted classifier whose probabilities are drawn to how often such cases came about of late.

Calibration within a training is in `tuned.py`; whether it pays, and by which outcomes, is for `recalibration.py`.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.calibration import Calibration
from s2p_assets.learning.classification.models.forest import Forest
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.mean import Mean
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.registry.learner_files import fitted_task, read_learner, write_learner
from s2p_assets.learning.registry.member_files import read_members, write_members

LEARNED: dict[str, type[Classifier]] = {kind.__name__: kind for kind in (Boosting, Forest, Logistic, Mean)}
"""What may be recalibrated: what learns. A plain rule stays the plain rule that it is."""


@dataclass(frozen=True)
class Recalibrated:
    """What the one of `members` says, its log-odds stretched by `slope` and moved by `intercept`."""

    members: tuple[Classifier, ...]
    slope: float = 1.0
    intercept: float = 0.0
    task: ClassificationTask | None = field(default=None, repr=False)

    def fit(self, cases: pd.DataFrame, task: ClassificationTask) -> "Recalibrated":
        return replace(self, members=(self.members[0].fit(cases, task),), task=task)

    def probability(self, cases: pd.DataFrame) -> Matrix:
        fitted_task(self.task)
        return np.asarray(Calibration(self.slope, self.intercept).apply(self.members[0].probability(cases)))

    def save(self, folder: Path) -> None:
        write_learner(folder, self, self.task)
        write_members(folder, self.members)

    @classmethod
    def load(cls, folder: Path) -> "Recalibrated":
        parameters, task, _ = read_learner(folder)
        members = read_members(folder, parameters, LEARNED, "recalibrated model")
        return cls(members, float(parameters["slope"]), float(parameters["intercept"]), task)

    @property
    def description(self) -> str:
        way = "down" if self.intercept < 0 else "up"
        return (
            f"its probabilities are recalibrated on the newest outcomes (log-odds × {self.slope:.2f}, {way} by "
            f"{abs(self.intercept):.2f}), which made it better in its folds"
        )
