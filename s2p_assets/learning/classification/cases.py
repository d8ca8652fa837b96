"""Cases: the rows of a history, with or without an outcome, and what a classifier may see of them.

When a case counts as known is for `time_folds.py`; what must not be among its features, for `leaks.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.forecasting.series import Matrix, TooLittleHistory, UnusableHistory

MIN_CASES_OF_A_CLASS = 10


class Withheld(UnusableHistory):
    """All that a model would learn from is left out, as it knows the outcome."""

    def __init__(self, columns: Iterable[str]) -> None:
        super().__init__(
            f"{', '.join(columns)}: left out before training, as it knows the outcome; let the model learn from "
            "another column, or let this one in by `let_in` in the contest's task, with the reason"
        )


@dataclass(frozen=True)
class FeatureColumns:
    """The columns that are learned from: `numbers` (truth values among them) and `categories` (texts and codes)."""

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numbers, *self.categories)

    def encode(self, cases: pd.DataFrame) -> pd.DataFrame:
        """The features of `cases` as scikit-learn takes them: floats with NaN, and texts with None."""
        columns: dict[str, pd.Series] = {
            name: pd.Series(cases[name].to_numpy("float64", na_value=np.nan)) for name in self.numbers
        }
        for name in self.categories:
            texts = cases[name].astype("string").astype(object)
            columns[name] = texts.where(texts.notna(), None).reset_index(drop=True)
        return pd.DataFrame(columns, columns=list(self.names))


def feature_columns_of(cases: pd.DataFrame, task: ClassificationTask, *, only: tuple[str, ...] = ()) -> FeatureColumns:
    """The features in `cases`, or those of them in `only`; days and moments are none: how long ago is a number.

    Those that the check for leaks withholds are left out. Raises UnusableHistory when there is none, or one of `only`
    is not among them.
    """
    numbers, categories = [], []
    for name in (str(name) for name in cases.columns if name not in task.not_features):
        kind = cases[name].dtype
        if pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind):
            numbers.append(name)
        elif not _is_time(cases[name]):
            categories.append(name)
    if strange := sorted({*only} - {*numbers, *categories, *task.withheld}):
        raise UnusableHistory(f"not among the features: {', '.join(strange)}")
    wanted = {*only} - {*task.withheld} if only else {*numbers, *categories}
    if only and not wanted:
        raise Withheld(only)
    if not wanted:
        raise UnusableHistory(
            "the history has no feature: every column is refused, ignored, a day or the outcome itself"
        )
    return FeatureColumns(
        tuple(name for name in numbers if name in wanted), tuple(name for name in categories if name in wanted)
    )


def features_of_cases(cases: pd.DataFrame, task: ClassificationTask) -> pd.DataFrame:
    """`cases` without outcomes and whatever else is no feature: what a classifier is given."""
    return cases.drop(columns=[name for name in task.not_features if name in cases])


def require_learnable(column: str, task: ClassificationTask) -> None:
    """Raises UnusableHistory for a column that the check for leaks withholds."""
    if column in task.withheld:
        raise Withheld([column])


def decided_cases(history: pd.DataFrame, task: ClassificationTask) -> pd.DataFrame:
    """The cases that have an outcome, by time and entity. Raises TooLittleHistory and UnusableHistory."""
    cases = checked_cases(history, task)
    return cases.loc[cases[task.target].notna()].reset_index(drop=True)


def checked_cases(history: pd.DataFrame, task: ClassificationTask) -> pd.DataFrame:
    """`history` by time and entity, its times as timestamps and its outcomes as 1.0, 0.0 or NaN.

    Raises TooLittleHistory when there is no row, UnusableHistory when a column is absent, a case stands twice or has
    no entity or time, or an outcome was decided before the case, or at no known time.
    """
    needed = (task.entity, task.time, task.target, task.decided)
    if absent := [name for name in needed if name not in history.columns]:
        raise UnusableHistory(f"the history has no column {', '.join(absent)}")
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    if missing := int(history[[task.entity, task.time]].isna().any(axis=1).sum()):
        raise UnusableHistory(f"{missing} rows of the history have no {task.entity} or no {task.time}")
    cases = history.assign(**{task.target: history[task.target].to_numpy("float64", na_value=np.nan)})
    for name in (task.time, task.decided):
        cases[name] = pd.to_datetime(history[name]).astype("datetime64[us]")
    has_outcome = cases[task.target].notna()
    if twice := int(cases.duplicated([task.entity, task.time]).sum()):
        raise UnusableHistory(f"{twice} rows of the history stand twice, by {task.entity} and {task.time}")
    if unknown := int((has_outcome & cases[task.decided].isna()).sum()):
        raise UnusableHistory(f"{unknown} outcomes are known, but {task.decided} does not say when")
    if before := int((has_outcome & (cases[task.decided] < cases[task.time])).sum()):
        raise UnusableHistory(f"{before} outcomes were {task.decided} before their {task.time}")
    return cases.sort_values([task.time, task.entity], kind="stable").reset_index(drop=True)


def outcome_values(cases: pd.DataFrame, task: ClassificationTask) -> Matrix:
    """1.0 where it came about, 0.0 where it did not."""
    return np.asarray(cases[task.target].to_numpy("float64", na_value=np.nan))


def has_both_classes(cases: pd.DataFrame, task: ClassificationTask) -> bool:
    """Whether there are enough cases of both classes to learn from."""
    actual = outcome_values(cases, task)
    return min((actual == 1).sum(), (actual == 0).sum()) >= MIN_CASES_OF_A_CLASS


def _is_time(values: pd.Series) -> bool:
    """Days come as Arrow dates or, from a frame of another make, as objects of `datetime`."""
    kind = getattr(values.dtype, "kind", "")
    first = values.dropna().iloc[:1].tolist() if kind == "O" else []
    return kind in "mM" or any(hasattr(value, "year") for value in first)
