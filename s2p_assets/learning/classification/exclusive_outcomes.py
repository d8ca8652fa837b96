"""Probabilities of two outcomes of which a case has one, the other or neither, made one distribution.

Each outcome is learned by a contest of its own, `scoring.py`; here only what they say together is made consistent.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import checked_cases
from s2p_assets.learning.classification.scoring import score_cases
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.versions import Champion

ROUNDS, CLOSE = 200, 1e-12
LEAST_NEITHER = 0.01
"""Two contests may leave nothing for the third outcome; so much of it is always possible."""


def exclusive_probabilities(first: ArrayLike, second: ArrayLike, groups: ArrayLike, *, most: int) -> pd.DataFrame:
    """`first`, `neither` and `second` of each case: they sum up to 1, and `first` over a group to `most`.

    `groups`: what compete with each other, such as the cars of a race. It is the distribution nearest to what was
    predicted that keeps the sum of `second` in each group, by iterative proportional fitting: Deming & Stephan (1940).
    In a group of fewer cases than `most` and `second` leave room for, only the cases' own sums are kept.
    """
    predicted = np.column_stack([np.asarray(first, float), np.asarray(second, float)])
    found = np.empty((len(predicted), 3))
    for rows in pd.Series(range(len(predicted))).groupby(pd.factorize(np.asarray(groups))[0]):
        at = rows[1].to_numpy()
        found[at] = _fitted(predicted[at, 0], predicted[at, 1], most)
    return pd.DataFrame(found, columns=["first", "neither", "second"])


def _fitted(first: Matrix, second: Matrix, most: int) -> Matrix:
    both = first + second
    shrink = np.where(both > 1 - LEAST_NEITHER, (1 - LEAST_NEITHER) / np.maximum(both, CLOSE), 1.0)
    shares = np.column_stack([first * shrink, 1 - both * shrink, second * shrink])
    neither = len(first) - most - second.sum()
    if neither <= 0 or not first.any():
        return np.asarray(shares)
    goals = np.array([most, neither, second.sum()])
    for _ in range(ROUNDS):
        sums = shares.sum(axis=0)
        if np.abs(sums - goals).max() < CLOSE:
            break
        shares = shares * np.divide(goals, sums, out=np.ones(3), where=sums > 0)
        shares = shares / shares.sum(axis=1, keepdims=True)
    return np.asarray(shares)


def exclusive_backtests(first: pd.DataFrame, second: pd.DataFrame, *, most: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two backtests with the probabilities that were told together; cases that only one of them has stay as they are.

    Cases of one time are a group. Columns as of `time_folds.backtest_classifier`.
    """
    key = ["entity", "time"]
    second_of = second[key].assign(second=second["probability"], second_row=second.index)
    both = first[key].assign(first=first["probability"], first_row=first.index).merge(second_of, on=key)
    told = exclusive_probabilities(both["first"], both["second"], both["time"], most=most)
    first, second = first.copy(), second.copy()
    first.loc[both["first_row"], "probability"] = told["first"].to_numpy()
    second.loc[both["second_row"], "probability"] = told["second"].to_numpy()
    return first, second


def score_exclusively(
    first: Champion[ClassificationTask], second: Champion[ClassificationTask], cases: pd.DataFrame, *, most: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As of `scoring.score_cases` by each champion, with the probabilities that go together; `cases` of one time are a
    group, and all of it must be among them. The first has `neither` besides.
    """
    one, other = score_cases(first, cases), score_cases(second, cases)
    told = exclusive_probabilities(one["probability"], other["probability"], one[first.task.time], most=most)
    return (
        one.assign(probability=told["first"], neither=told["neither"]),
        other.assign(probability=told["second"]),
    )


def told_together(
    found: pd.DataFrame,
    history: pd.DataFrame,
    first: Champion[ClassificationTask],
    second: Champion[ClassificationTask],
    *,
    most: int,
    of_first: bool,
) -> pd.DataFrame:
    """`found`, as of `scoring.score_wanted`, with the probabilities that the whole groups of its cases lead to."""
    task = first.task
    cases = checked_cases(history, task)
    cases = cases[cases[task.time].isin(pd.to_datetime(found[task.time]).astype("datetime64[us]"))]
    told = score_exclusively(first, second, cases.reset_index(drop=True), most=most)[0 if of_first else 1]
    by_case = told.assign(**{task.entity: told[task.entity].astype(str)}).set_index([task.entity, task.time])
    wanted = pd.MultiIndex.from_arrays([found[task.entity].astype(str), found[task.time]])
    return found.assign(probability=by_case["probability"].reindex(wanted).to_numpy())
