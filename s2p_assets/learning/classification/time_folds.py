"""Time-ordered folds: a classifier's probabilities for cases, when it knew only what was decided before them.

Measuring how right it was is for `scores.py`; forecasts have their own folds in `backtest.py`.
"""

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask, Classifier
from s2p_assets.learning.classification.cases import decided_cases, features_of_cases, has_both_classes, outcome_values
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory
from s2p_assets.learning.parallel import run_parallel

FOLD_COLUMNS = ("fold", "cutoff", "entity", "time", "decided", "actual", "probability")

log = logging.getLogger(__name__)


def fold_cutoffs(all_decided: pd.DataFrame, task: ClassificationTask) -> list[pd.Timestamp]:
    """The moments at which the folds begin, oldest first; fewer than asked for when the history is short.

    `all_decided`: as of `cases.decided_cases`. What is decided before a cutoff is known, what begins at it or later is
    tested. A fold without enough known cases of both classes, or without a case to test, is left out.
    Raises TooLittleHistory when none is left.
    """
    times = all_decided[task.time]
    if task.every:
        starts = pd.date_range(times.min(), times.max(), freq=task.every, normalize=True)
        wanted = list(starts[-task.folds :])
    else:
        places = [len(times) // 2 + len(times) * fold // (2 * task.folds) for fold in range(task.folds)]
        wanted = sorted({pd.Timestamp(times.iloc[place]) for place in places if place < len(times)})
    usable = [at for at in wanted if has_both_classes(_known(all_decided, at, task), task) and (times >= at).any()]
    if not usable:
        raise TooLittleHistory(f"{len(all_decided)} decided cases: too few of both outcomes before any of the folds")
    return usable


def time_folds(
    all_decided: pd.DataFrame, task: ClassificationTask
) -> Iterator[tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame]]:
    """(cutoff, known cases, cases to test) of each fold, oldest first; tested cases end where the next fold begins."""
    ends = fold_cutoffs(all_decided, task)
    for at, end in zip(ends, [*ends[1:], None], strict=True):
        test = all_decided[task.time] >= at
        if end is not None:
            test &= all_decided[task.time] < end
        yield at, _known(all_decided, at, task), all_decided.loc[test]


def backtest_classifier(classifier: Classifier, history: pd.DataFrame, task: ClassificationTask) -> pd.DataFrame:
    """Refit `classifier` at each cutoff on what was decided before it, and ask it about the cases that began after it.

    One row per (fold, case): fold (1 is the oldest), cutoff, entity, time, decided, actual (1 came about, 0 did not),
    probability. Only cases whose outcome is told by now are there. Raises TooLittleHistory and UnusableHistory.
    """
    all_decided = decided_cases(history, task)
    parts = list(time_folds(all_decided, task))
    if len(parts) < task.folds:
        log.warning("only %d of %d folds: too few cases decided before the others", len(parts), task.folds)
    tasks = ((classifier, known, test, task) for _, known, test in parts)
    predictions = run_parallel(_predicted, tasks, progress=f"{type(classifier).__name__}: fold")
    rows = [
        pd.DataFrame(
            {
                "fold": fold,
                "cutoff": at,
                "entity": test[task.entity].astype("string").to_numpy(object),
                "time": test[task.time].to_numpy(),
                "decided": test[task.decided].to_numpy(),
                "actual": outcome_values(test, task),
                "probability": predicted,
            }
        )
        for fold, ((at, _, test), predicted) in enumerate(zip(parts, predictions, strict=True), start=1)
    ]
    return pd.concat(rows, ignore_index=True)[list(FOLD_COLUMNS)]


def predict_probabilities(classifier: Classifier, cases: pd.DataFrame, task: ClassificationTask) -> Matrix:
    """The probability that a fitted `classifier` gives each of `cases`, without their outcomes, in their order.

    Raises ValueError when one is no probability.
    """
    if cases.empty:
        return np.empty(0)
    found = np.asarray(classifier.probability(features_of_cases(cases, task)), float)
    if found.shape != (len(cases),) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{type(classifier).__name__} gives no probability for every case")
    return found


def _predicted(classifier: Classifier, known: pd.DataFrame, test: pd.DataFrame, task: ClassificationTask) -> Matrix:
    return predict_probabilities(classifier.fit(known, task), test, task)


def _known(all_decided: pd.DataFrame, at: pd.Timestamp, task: ClassificationTask) -> pd.DataFrame:
    return all_decided.loc[all_decided[task.decided] < at]
