"""Dates far from the file's own: a year typed 2062, 1926 or 0206; and last year's among those of one month.

A contract that bounds a column itself, by `ge`, `gt`, `le`, `lt` or `in_range`, is followed instead; see `rules.py`.
"""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow

from s2p_assets.contracts.columns import Column
from s2p_assets.spreadsheet.cell_parser import CellError

_YEAR = 365.25
_NEAR, _FAR, _LIFETIME = 5 * _YEAR, 10 * _YEAR, 75 * _YEAR
_MOST = 0.8
_ENOUGH = 3
_SEASON, _WEEK, _FEW, _ENOUGH_TOGETHER = 100, 7, 0.02, 8
_EPOCH = dt.date.fromisoformat("1970-01-01")
_OPEN_ENDS = frozenset({"9999-12-31", "9999-01-01", "2999-12-31", "2999-01-01", "2199-12-31", "2099-12-31"})
_LOWER, _UPPER = frozenset({"ge", "gt", "in_range", "eq", "isin"}), frozenset({"le", "lt", "in_range", "eq", "isin"})

Days = npt.NDArray[np.int64]


def far_dates(values: pyarrow.Array, column: Column, written: dt.date | None) -> dict[int, CellError]:
    """The dates of a column, by position, that lie far from its others, or from the day the file was written.

    Where most lie within five years of their median, that is ten years and more; else three times the range of the
    middle half and ten years. Few dates are held against `written`: ten years after it, or a lifetime before.
    """
    if column.kind not in ("date", "timestamp") or values.null_count == len(values):
        return {}
    days = _days(values)
    valid = values.is_valid().to_numpy(zero_copy_only=False)
    low, high, why = _bounds(days[valid], written)
    checks = {name for name, _ in column.checks}
    far = valid & (((days < low) & (not checks & _LOWER)) | ((days > high) & (not checks & _UPPER)))
    found = {}
    for place in np.flatnonzero(far).tolist():
        day = _EPOCH + dt.timedelta(days=int(days[place]))
        if day.isoformat() not in _OPEN_ENDS:
            found[place] = CellError("far_date", f"{day} is far from {why}; correct the year", f"{day}")
    return found


def of_another_year(values: pyarrow.Array, column: Column) -> Iterator[tuple[int, str]]:
    """(position, message) of a date or two that would lie among all others if its year were another one.

    The others are at least `_ENOUGH_TOGETHER` and lie within a season, as those of a month's file do.
    """
    if column.kind not in ("date", "timestamp") or len(values) - values.null_count < _ENOUGH_TOGETHER:
        return
    days, valid = _days(values), values.is_valid().to_numpy(zero_copy_only=False)
    together = days[valid & (np.abs(days - np.median(days[valid])) <= _SEASON)]
    if len(together) < valid.sum() - max(2, _FEW * valid.sum()):
        return
    low, high = (float(value) for value in np.percentile(together, (10, 90)))
    away = np.flatnonzero(valid & ((days < low - _SEASON / 2) | (days > high + _SEASON / 2)))
    if high - low > _SEASON or len(away) > max(2, _FEW * valid.sum()):
        return
    for place in away.tolist():
        years = round(((low + high) / 2 - days[place]) / _YEAR)
        if 1 <= abs(years) <= 10 and low - _WEEK <= days[place] + years * _YEAR <= high + _WEEK:
            day = _EPOCH + dt.timedelta(days=int(days[place]))
            first, last = (_EPOCH + dt.timedelta(days=int(one)) for one in (low, high))
            yield place, f"{day} is of another year than the other dates here, {first} to {last}; is the year right?"


def _days(values: pyarrow.Array) -> Days:
    """Days since 1970, zero for a missing value."""
    numbers = values.cast(pyarrow.int32() if pyarrow.types.is_date32(values.type) else pyarrow.int64())
    days: Days = numbers.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return days if pyarrow.types.is_date32(values.type) else days // 86_400_000_000


def _bounds(days: Days, written: dt.date | None) -> tuple[float, float, str]:
    """The first and last day that are not far, and what they are near to."""
    if len(days) >= _ENOUGH:
        first, middle, last = (float(value) for value in np.percentile(days, (25, 50, 75)))
        around = f"the other dates here, which are around {_EPOCH + dt.timedelta(days=int(middle))}"
        if (np.abs(days - middle) <= _NEAR).mean() >= _MOST:
            return middle - _FAR, middle + _FAR, around
        reach = 3 * (last - first) + _FAR
        return first - reach, last + reach, around
    if written is None:
        return -np.inf, np.inf, ""
    day = (written - _EPOCH).days
    return day - _LIFETIME, day + _FAR, f"the day on which the file was saved, {written}"
