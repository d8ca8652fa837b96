"""What the check for leaks looks at: each case at its first and its last row, and the open ones as they are now.

Which signs a leak leaves is for the modules of signs; what follows from one, for `leaks.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from s2p_assets.contracts.model import ClassificationTask
from s2p_assets.learning.classification.cases import checked_cases, feature_columns_of
from s2p_assets.learning.forecasting.series import Matrix

MOST_UNITS = 10_000
DAY = np.timedelta64(1, "D")

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """A history by its cases, which may have several rows each: those of one entity that were decided at once.

    `rows`: by case and time. `numbers`: each feature of numbers. `codes`: of each text, feature or not, a number for
    each value, −1 for none. `groups`: the number of the case of each row, decided ones alone. `first`, `before_last`,
    `last`: the places of these rows of each decided case; a case of one row has it in all three. `open`: the places of
    the newest row of each entity that is open. `actual`: of each decided case 1.0 or 0.0.
    """

    rows: pd.DataFrame
    task: ClassificationTask
    numbers: dict[str, Matrix]
    codes: dict[str, Places]
    texts: tuple[str, ...]
    first: Places
    before_last: Places
    last: Places
    open: Places
    actual: Matrix

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.numbers, *self.texts)

    @cached_property
    def rate(self) -> float:
        return float(self.actual.mean())

    @cached_property
    def began(self) -> Matrix:
        """When each decided case begins, in days."""
        return self.days(self.task.time)[self.first]

    @cached_property
    def ended(self) -> Matrix:
        """When each was decided, in days."""
        return self.days(self.task.decided)[self.first]

    def days(self, name: str) -> Matrix:
        moments = self.rows[name].to_numpy("datetime64[us]")
        return np.asarray(np.where(np.isnat(moments), np.nan, (moments - np.datetime64("2000-01-01")) / DAY), float)

    def missing(self, name: str, places: Places) -> npt.NDArray[np.bool_]:
        if name in self.numbers:
            return np.isnan(self.numbers[name][places])
        return np.asarray(self.codes[name][places] < 0)

    def values(self, name: str, places: Places) -> Matrix:
        """Numbers as they are; of a text, the share that came about in the other half of the cases with that text.

        `places`: one row of each decided case, in their order.
        """
        if name in self.numbers:
            return np.asarray(self.numbers[name][places])
        codes, half = self.codes[name][places] + 1, np.arange(len(places)) % 2
        cell, cells = codes * 2 + half, 2 * (int(codes.max(initial=0)) + 1)
        count = np.bincount(cell, minlength=cells)
        came = np.bincount(cell, self.actual, minlength=cells)
        other = codes * 2 + 1 - half
        return np.where(count[other] > 0, came[other] / np.maximum(count[other], 1), self.rate)

    def kinds(self, name: str, places: Places) -> tuple[npt.NDArray[np.int64], list[str]]:
        """A number for the value of each of these rows, −1 for none, and what each number stands for."""
        if name in self.numbers:
            codes, uniques = pd.factorize(self.numbers[name][places])
            return codes.astype(np.int64), [f"{value:g}" for value in uniques]
        codes, texts = pd.factorize(self.rows[name].iloc[places].astype("string"))
        return codes.astype(np.int64), [str(text) for text in texts]


def evidence_of(history: pd.DataFrame, task: ClassificationTask) -> Evidence:
    """Raises TooLittleHistory and UnusableHistory."""
    rows = checked_cases(history, task)
    features = feature_columns_of(rows, task)
    by_case = rows.groupby([task.entity, task.decided], sort=False, dropna=False)
    unit: Places = by_case.ngroup().to_numpy().astype(np.int64)
    is_open = rows[task.target].isna().to_numpy()
    order = np.argsort(unit, kind="stable")  # rows are by time already
    first, before_last, last = _ends(unit, np.asarray(order[~is_open[order]], np.int64))
    newest = np.argsort(rows[task.decided].to_numpy("datetime64[us]")[first], kind="stable")[-MOST_UNITS:]
    first, before_last, last = first[newest], before_last[newest], last[newest]
    still = np.flatnonzero(is_open)
    newest_open = rows.iloc[still].drop_duplicates(task.entity, keep="last").index.to_numpy(np.int64)
    kept = np.unique(np.concatenate([first, before_last, last, newest_open]))
    at = np.full(len(rows), -1, np.int64)
    at[kept] = np.arange(len(kept))
    few = rows.iloc[kept].reset_index(drop=True)
    plain: dict[str, Matrix] = {name: few[name].to_numpy("float64", na_value=np.nan) for name in features.numbers}
    texts = _texts(few, task, features.categories)
    return Evidence(
        rows=few,
        task=task,
        numbers=plain,
        codes={name: pd.factorize(few[name].astype("string"))[0].astype(np.int64) for name in texts},
        texts=features.categories,
        first=at[first],
        before_last=at[before_last],
        last=at[last],
        open=at[newest_open],
        actual=few[task.target].to_numpy(float)[at[last]],
    )


def _ends(unit: Places, order: Places) -> tuple[Places, Places, Places]:
    """The places of the first, the last but one and the last row of each case, of rows in this order."""
    cases = unit[order]
    starts = np.flatnonzero(np.r_[True, cases[1:] != cases[:-1]]) if len(cases) else np.empty(0, np.int64)
    ends = np.r_[starts[1:], len(cases)] - 1 if len(cases) else starts
    return order[starts], order[np.maximum(ends - 1, starts)], order[ends]


def _texts(rows: pd.DataFrame, task: ClassificationTask, features: Sequence[str]) -> list[str]:
    """Features of text, and the texts that are none but may group cases."""
    others = [name for name in (task.entity, *task.ignored) if name in rows and name not in features]
    return [*features, *(name for name in others if not pd.api.types.is_float_dtype(rows[name].dtype))]


def ranks(values: Matrix) -> Matrix:
    """Mean ranks from 0, ties alike; NaN stays."""
    return np.asarray(pd.Series(values).rank().to_numpy(float) - 1)
