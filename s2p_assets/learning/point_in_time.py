"""What was known of a group of events before a moment: how many there were, and their means.

Which events and groups are meant is for the feature sets; the demand of series has lags of its own in `lags.py`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

COUNT = "count"

Places = npt.NDArray[np.integer[Any]]


def events_before(
    cases: pd.DataFrame,
    events: pd.DataFrame,
    *,
    by: Sequence[str],
    at: str,
    when: str,
    means: Sequence[str] = (),
    last: int | None = None,
    within: pd.Timedelta | None = None,
) -> pd.DataFrame:
    """For each case, the events of its group that lie before it: `count`, and the mean of each column in `means`.

    An event lies before a case when its moment `when` is earlier than the case's `at`; one at the same moment is not
    known yet, and one without a moment has not happened. `by`: the columns that name the group, none for all events.
    `last`: of these events only so many, the latest; `within`: only those no further back. Missing values count in no
    mean; a mean of nothing is missing. One row per case, in the order and under the index of `cases`.
    """
    held = events[events[when].notna()]
    codes, group = _codes(cases, held, by)
    moments = np.unique(held[when].to_numpy("datetime64[ns]"))
    happened = group * (len(moments) + 1) + np.searchsorted(moments, held[when].to_numpy("datetime64[ns]"))
    order = np.argsort(happened, kind="stable")
    happened = happened[order]

    def place(day: pd.Series) -> Places:
        earlier = np.searchsorted(moments, day.to_numpy("datetime64[ns]"), side="left")
        return np.searchsorted(happened, codes * (len(moments) + 1) + earlier, side="left")

    begin: Places = np.searchsorted(happened, codes * (len(moments) + 1), side="left")
    end, start = place(cases[at]), place(cases[at] - within) if within is not None else begin
    if last is not None:
        start = np.maximum(start, end - last)
    values = {name: held[name].to_numpy(float, na_value=np.nan)[order] for name in means}
    found = {name: _means(known, start, end) for name, known in values.items()}
    return pd.DataFrame({COUNT: end - start, **found}, index=cases.index)


def _codes(cases: pd.DataFrame, events: pd.DataFrame, by: Sequence[str]) -> tuple[Places, Places]:
    """A number for the group of each case and of each event."""
    if not by:
        return np.zeros(len(cases), np.int64), np.zeros(len(events), np.int64)
    both = pd.concat([cases[list(by)], events[list(by)]], ignore_index=True)
    codes = both.groupby(list(by), sort=False, dropna=False).ngroup().to_numpy(np.int64)
    return codes[: len(cases)], codes[len(cases) :]


def _means(values: npt.NDArray[np.float64], start: Places, end: Places) -> npt.NDArray[np.float64]:
    known = ~np.isnan(values)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(known)])
    many = counts[end] - counts[start]
    return np.where(many > 0, (sums[end] - sums[start]) / np.maximum(many, 1), np.nan)
