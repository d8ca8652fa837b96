"""Whether a classifier in service errs more than it did in its folds, measured on the cases decided since.

What it says of cases is in `telling.py`; what follows from a loss above its band is for `graph/`.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.learning.beyond_noise import LEAST_FOLDS, LEVEL
from s2p_assets.learning.classifying.cases import decided
from s2p_assets.learning.classifying.probabilities import log_losses
from s2p_assets.learning.classifying.time_folds import probabilities
from s2p_assets.learning.model import Classifier, Outcome
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class RecentLoss:
    """The mean log loss of a version on the `cases` that were decided since, and the highest that its folds allow."""

    cases: int
    loss: float
    usual: float
    highest: float

    @property
    def is_above(self) -> bool:
        return self.loss > self.highest

    @property
    def says(self) -> str:
        word = "above" if self.is_above else "within"
        return (
            f"log loss {self.loss:.3f} on {self.cases} cases decided since, {word} its band: "
            f"{self.usual:.3f} in its folds, at most {self.highest:.3f}"
        )


def recent_loss(made: ModelVersion[Outcome], history: pd.DataFrame) -> RecentLoss | None:
    """How wrong `made` is on the cases in `history` decided after all those that it was tried on.

    The band is the one-sided 95 % interval for the mean of so many cases, by Student's t: the spread of the folds'
    means, and that of single cases. None when nothing was decided since, or there are too few folds to know a band.
    """
    from scipy.stats import t

    problem, tried = made.problem, made.backtest
    told = decided(history, problem)
    newer = told.loc[told[problem.decided] > tried["decided"].max()]
    if newer.empty or len(made.cutoffs) < LEAST_FOLDS:
        return None
    loss = log_losses(newer[problem.target], probabilities(cast("Classifier", made.learner), newer, problem)).mean()
    each = pd.Series(log_losses(tried["actual"], tried["probability"]))
    folds = each.groupby(tried["fold"].to_numpy()).mean()
    variance = folds.var(ddof=1) * (1 + 1 / len(folds)) + each.var(ddof=1) / len(newer)
    highest = folds.mean() + float(t.ppf(1 - LEVEL, len(folds) - 1)) * float(np.sqrt(variance))
    return RecentLoss(len(newer), float(loss), float(folds.mean()), float(highest))
