"""Time-ordered folds: a classifier's probabilities for cases, when it knew only what was decided before them.

Measuring how right it was is for `scores.py`; forecasts have their own folds in `backtest.py`.
"""

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd

from s2p_assets.learning.classifying.cases import decided, outcomes, seen, tells_both
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory
from s2p_assets.learning.model import Classifier, Outcome
from s2p_assets.learning.scale import each

FOLD_COLUMNS = ("fold", "cutoff", "entity", "time", "decided", "actual", "probability")

log = logging.getLogger(__name__)


def cutoffs(all_decided: pd.DataFrame, problem: Outcome) -> list[pd.Timestamp]:
    """The moments at which the folds begin, oldest first; fewer than asked for when the history is short.

    `all_decided`: as of `cases.decided`. What is decided before a cutoff is known, what begins at it or later is
    tested. A fold without enough known cases of both classes, or without a case to test, is left out.
    Raises TooLittleHistory when none is left.
    """
    times = all_decided[problem.time]
    if problem.every:
        starts = pd.date_range(times.min(), times.max(), freq=problem.every, normalize=True)
        wanted = list(starts[-problem.folds :])
    else:
        places = [len(times) // 2 + len(times) * fold // (2 * problem.folds) for fold in range(problem.folds)]
        wanted = sorted({pd.Timestamp(times.iloc[place]) for place in places if place < len(times)})
    usable = [at for at in wanted if tells_both(_known(all_decided, at, problem), problem) and (times >= at).any()]
    if not usable:
        raise TooLittleHistory(f"{len(all_decided)} decided cases: too few of both outcomes before any of the folds")
    return usable


def folds(all_decided: pd.DataFrame, problem: Outcome) -> Iterator[tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame]]:
    """(cutoff, known cases, cases to test) of each fold, oldest first; tested cases end where the next fold begins."""
    ends = cutoffs(all_decided, problem)
    for at, end in zip(ends, [*ends[1:], None], strict=True):
        test = all_decided[problem.time] >= at
        if end is not None:
            test &= all_decided[problem.time] < end
        yield at, _known(all_decided, at, problem), all_decided.loc[test]


def time_ordered(classifier: Classifier, history: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """Refit `classifier` at each cutoff on what was decided before it, and ask it about the cases that began after it.

    One row per (fold, case): fold (1 is the oldest), cutoff, entity, time, decided, actual (1 came about, 0 did not),
    probability. Only cases whose outcome is told by now are there. Raises TooLittleHistory and UnusableHistory.
    """
    all_decided = decided(history, problem)
    parts = list(folds(all_decided, problem))
    if len(parts) < problem.folds:
        log.warning("only %d of %d folds: too few cases decided before the others", len(parts), problem.folds)
    tasks = ((classifier, known, test, problem) for _, known, test in parts)
    predictions = each(_predicted, tasks, says=f"{type(classifier).__name__}: fold")
    rows = [
        pd.DataFrame(
            {
                "fold": fold,
                "cutoff": at,
                "entity": test[problem.entity].astype("string").to_numpy(object),
                "time": test[problem.time].to_numpy(),
                "decided": test[problem.decided].to_numpy(),
                "actual": outcomes(test, problem),
                "probability": predicted,
            }
        )
        for fold, ((at, _, test), predicted) in enumerate(zip(parts, predictions, strict=True), start=1)
    ]
    return pd.concat(rows, ignore_index=True)[list(FOLD_COLUMNS)]


def probabilities(classifier: Classifier, cases: pd.DataFrame, problem: Outcome) -> Matrix:
    """The probability that a fitted `classifier` gives each of `cases`, without their outcomes, in their order.

    Raises ValueError when one is no probability.
    """
    if cases.empty:
        return np.empty(0)
    found = np.asarray(classifier.probability(seen(cases, problem)), float)
    if found.shape != (len(cases),) or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{type(classifier).__name__} gives no probability for every case")
    return found


def _predicted(classifier: Classifier, known: pd.DataFrame, test: pd.DataFrame, problem: Outcome) -> Matrix:
    return probabilities(classifier.fit(known, problem), test, problem)


def _known(all_decided: pd.DataFrame, at: pd.Timestamp, problem: Outcome) -> pd.DataFrame:
    return all_decided.loc[all_decided[problem.decided] < at]
