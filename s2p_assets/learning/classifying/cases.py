"""Cases: the rows of a history, with or without an outcome, and what a classifier may see of them.

When a case counts as known is for `time_folds.py`; what must not be among its features, for `leaks.py`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory, UnusableHistory
from s2p_assets.learning.model import Outcome

LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Features:
    """The columns that are learned from: `numbers` (truth values among them) and `categories` (texts and codes)."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numbers, *self.categories)

    def of(self, cases: pd.DataFrame) -> pd.DataFrame:
        """The features of `cases` as scikit-learn takes them: floats with NaN, and texts with None."""
        columns: dict[str, pd.Series] = {
            name: pd.Series(cases[name].to_numpy("float64", na_value=np.nan)) for name in self.numbers
        }
        for name in self.categories:
            texts = cases[name].astype("string").astype(object)
            columns[name] = texts.where(texts.notna(), None).reset_index(drop=True)
        return pd.DataFrame(columns, columns=list(self.names))


def features_in(cases: pd.DataFrame, problem: Outcome, *, only: tuple[str, ...] = ()) -> Features:
    """The features in `cases`, or those of them in `only`; days and moments are none: how long ago is a number.

    Raises UnusableHistory when there is none, or one of `only` is not among them.
    """
    numbers, categories = [], []
    for name in (str(name) for name in cases.columns if name not in problem.not_features):
        kind = cases[name].dtype
        if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
            numbers.append(name)
        elif not _is_time(cases[name]):
            categories.append(name)
    if strange := sorted({*only} - {*numbers, *categories}):
        raise UnusableHistory(f"not among the features: {', '.join(strange)}")
    wanted = {*only} or {*numbers, *categories}
    if not wanted:
        raise UnusableHistory(
            "the history has no feature: every column is refused, ignored, a day or the outcome itself"
        )
    return Features(
        tuple(name for name in numbers if name in wanted), tuple(name for name in categories if name in wanted)
    )


def seen(cases: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """`cases` without outcomes and whatever else is no feature: what a classifier is given."""
    return cases.drop(columns=[name for name in problem.not_features if name in cases])


def decided(history: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """The cases that have an outcome, by time and entity. Raises TooLittleHistory and UnusableHistory."""
    cases = usable(history, problem)
    return cases.loc[cases[problem.target].notna()].reset_index(drop=True)


def usable(history: pd.DataFrame, problem: Outcome) -> pd.DataFrame:
    """`history` by time and entity, its times as timestamps and its outcomes as 1.0, 0.0 or NaN.

    Raises TooLittleHistory when there is no row, UnusableHistory when a column is absent, a case stands twice or has
    no entity or time, or an outcome was decided before the case, or at no known time.
    """
    needed = (problem.entity, problem.time, problem.target, problem.decided)
    if absent := [name for name in needed if name not in history.columns]:
        raise UnusableHistory(f"the history has no column {', '.join(absent)}")
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    if missing := int(history[[problem.entity, problem.time]].isna().any(axis=1).sum()):
        raise UnusableHistory(f"{missing} rows of the history have no {problem.entity} or no {problem.time}")
    cases = history.assign(**{problem.target: history[problem.target].to_numpy("float64", na_value=np.nan)})
    for name in (problem.time, problem.decided):
        cases[name] = pd.to_datetime(history[name]).astype("datetime64[us]")
    has_outcome = cases[problem.target].notna()
    if twice := int(cases.duplicated([problem.entity, problem.time]).sum()):
        raise UnusableHistory(f"{twice} rows of the history stand twice, by {problem.entity} and {problem.time}")
    if unknown := int((has_outcome & cases[problem.decided].isna()).sum()):
        raise UnusableHistory(f"{unknown} outcomes are known, but {problem.decided} does not say when")
    if before := int((has_outcome & (cases[problem.decided] < cases[problem.time])).sum()):
        raise UnusableHistory(f"{before} outcomes were {problem.decided} before their {problem.time}")
    return cases.sort_values([problem.time, problem.entity], kind="stable").reset_index(drop=True)


def outcomes(cases: pd.DataFrame, problem: Outcome) -> Matrix:
    """1.0 where it came about, 0.0 where it did not."""
    return np.asarray(cases[problem.target].to_numpy("float64", na_value=np.nan))


def tells_both(cases: pd.DataFrame, problem: Outcome) -> bool:
    """Whether there are enough cases of both classes to learn from."""
    actual = outcomes(cases, problem)
    return min((actual == 1).sum(), (actual == 0).sum()) >= LEAST_OF_A_CLASS


def _is_time(values: pd.Series) -> bool:
    """Days come as Arrow dates or, from a frame of another make, as objects of `datetime`."""
    kind = getattr(values.dtype, "kind", "")
    first = values.dropna().iloc[:1].tolist() if kind == "O" else []
    return kind in "mM" or any(hasattr(value, "year") for value in first)
