"""Whether a classifier in service errs more than it did in its folds, measured on the cases decided since.

Its probabilities are made in `scoring.py`; what follows from a loss above its band is for `graph/`.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.cases import decided_cases
from s2p_assets.learning.classification.metrics import log_losses
from s2p_assets.learning.classification.time_folds import predict_probabilities
from s2p_assets.learning.distributions import student_quantile
from s2p_assets.learning.selection.paired_test import MIN_FOLDS, SIGNIFICANCE_LEVEL
from s2p_assets.learning.versions import ModelVersion


@dataclass(frozen=True)
class RecentLoss:
    """The mean log loss of a version on the `cases` that were decided since, and the highest that its folds allow."""

    cases: int
    loss: float
    usual: float
    highest: float

    @property
    def error(self) -> float:
        """What is held against the band."""
        return self.loss

    @property
    def is_above(self) -> bool:
        return self.loss > self.highest

    @property
    def description(self) -> str:
        word = "above" if self.is_above else "within"
        return (
            f"log loss {self.loss:.3f} on {self.cases} cases decided since, {word} its band: "
            f"{self.usual:.3f} in its folds, at most {self.highest:.3f}"
        )


def recent_loss(made: ModelVersion[ClassificationTask], history: pd.DataFrame) -> RecentLoss | None:
    """How wrong `made` is on the cases in `history` decided after all those that it was tried on.

    The band is the one-sided 95 % interval for the mean of so many cases, by Student's t: the spread of the folds'
    means, and that of single cases. None when nothing was decided since, or there are too few folds to know a band.
    """
    task, backtest = made.task, made.backtest
    cases = decided_cases(history, task)
    newer = cases.loc[cases[task.decided] > backtest["decided"].max()]
    if newer.empty or len(made.cutoffs) < MIN_FOLDS:
        return None
    loss = log_losses(newer[task.target], predict_probabilities(cast("Classifier", made.learner), newer, task)).mean()
    each = pd.Series(log_losses(backtest["actual"], backtest["probability"]))
    folds = each.groupby(backtest["fold"].to_numpy()).mean()
    variance = folds.var(ddof=1) * (1 + 1 / len(folds)) + each.var(ddof=1) / len(newer)
    highest = folds.mean() + student_quantile(1 - SIGNIFICANCE_LEVEL, len(folds) - 1) * float(np.sqrt(variance))
    return RecentLoss(len(newer), float(loss), float(folds.mean()), float(highest))
