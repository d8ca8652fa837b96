"""Single observations that neither a series' own past nor its peers make plausible, such as one order of 2,000.

What is done with them in training is declared with a task (`damped`); whose series they are, the shelves say.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.series import Matrix

ONE_OFF, KEEP = "one_off", "keep"
"""What a person may say of an observation: leave it out of what is learned from, or take it as it is."""

FURTHEST_FALL = 0.5


@dataclass(frozen=True)
class OneOffBounds:
    """From where on an observation is implausible, in counts of periods and multiples of what the past holds.

    One is beyond the past when it is more than `times` the highest of the last `memory` periods and by `least` units
    above it; or, in a series that never stood still, less than the `times`-th part of the lowest of the last `steady`
    periods and by `least` units below. Where peers rose or fell alike, the bounds move with them, down to a half: when
    a whole list is counted in cases of 12, all fall alike. Nothing is said of the first `enough` periods, nor of one
    that follows `at_most` such: that is a new level and no single observation.
    What is usual is the mean of the last `season` periods. In `hindsight`, those that began what is a new level are no
    single observations either, once it is known to be one. The defaults are meant for weeks; see `bounds_for`.
    """

    times: float = 4.0
    least: float = 20.0
    memory: int = 56
    steady: int = 26
    enough: int = 8
    at_most: int = 2
    season: int = 13
    hindsight: bool = False


DAILY = OneOffBounds(memory=392, steady=182, enough=56, at_most=7, season=91)
MONTHLY = OneOffBounds(memory=14, steady=6, enough=6, at_most=1, season=3)


def bounds_for(times: pd.DatetimeIndex) -> OneOffBounds:
    """The bounds for series of days, weeks or months: a year and some periods are looked back over."""
    step = pd.Series(times.sort_values()).diff().median()
    if pd.isna(step) or pd.Timedelta(days=2) <= step < pd.Timedelta(days=25):
        return OneOffBounds()
    return DAILY if step < pd.Timedelta(days=2) else MONTHLY


def mark_one_offs(
    rows: pd.DataFrame,
    *,
    key: str,
    value: str,
    time: str = "week",
    peers: str | None = None,
    words: pd.DataFrame | None = None,
    censored: str | None = None,
    bounds: OneOffBounds | None = None,
) -> pd.DataFrame:
    """Which observations are implausible, and what they count as instead. Aligned with `rows`.

    `rows`: one row per (key, time), gapless from a key's first row on; days, weeks or months, named by their first day.
    `peers`: a column of groups that are alike. `words`: what people said, one row per key and any day of a period: key,
    time, word (`one_off` or `keep`). `bounds`: by default those for such periods.
    Two columns: `one_off`, whether it is implausible or a person called it so; `counts_as`, the nearest value that the
    past makes plausible, or, where a person called it a one-off, the mean of the season before; missing for all
    others. Only what was known by then is looked at, so that no future leaks into the past.
    """
    codes, keys = pd.factorize(rows[key].astype(str), sort=True)
    at, times = pd.factorize(rows[time], sort=True)
    bounds = bounds or bounds_for(pd.DatetimeIndex(times))
    values = np.full((len(times), len(keys)), np.nan)
    values[at, codes] = np.maximum(rows[value].to_numpy("float64", na_value=np.nan), 0.0)
    cut = np.zeros_like(values, dtype=bool)
    if censored:
        cut[at, codes] = rows[censored].fillna(False).to_numpy(bool)
    groups = _groups(rows, peers, codes, len(keys))
    said = _said(words, (key, time), pd.DatetimeIndex(times), pd.Index(keys))
    marked, counts_as = _walk(values, cut, groups, said, bounds)
    return pd.DataFrame({"one_off": marked[at, codes], "counts_as": counts_as[at, codes]}, index=rows.index)


def _walk(
    values: Matrix, cut: np.ndarray[Any, Any], groups: np.ndarray[Any, Any], said: np.ndarray[Any, Any], b: OneOffBounds
) -> tuple[np.ndarray[Any, Any], Matrix]:
    """Period by period, as what is marked no longer counts as the past of what follows."""
    damped = values.copy()
    marked, counts_as = np.zeros(values.shape, dtype=bool), np.full(values.shape, np.nan)
    in_a_row = np.zeros(values.shape[1], dtype=int)
    for now in range(1, len(values)):
        past = damped[max(now - b.memory, 0) : now]
        known = ~np.isnan(past)
        count = known.sum(axis=0)
        high = np.where(known, past, 0.0).max(axis=0)
        recent, recent_known = past[-b.steady :], known[-b.steady :]
        low = np.where(recent_known.any(axis=0), np.where(recent_known, recent, np.inf).min(axis=0), 0.0)
        season, season_known = past[-b.season :], known[-b.season :]
        usual = np.where(season_known, season, 0.0).sum(axis=0) / np.maximum(season_known.sum(axis=0), 1)
        here = values[now]
        moved = _move_of_peers(here, usual, groups)
        above = here > b.times * high * np.maximum(moved, 1.0)
        above &= here - high >= np.where(high > 0, b.least, 10 * b.least)
        below = (here > 0) & ~cut[now] & (recent_known.sum(axis=0) >= b.steady)
        below &= (here * b.times < low * np.clip(moved, FURTHEST_FALL, 1.0)) & (low - here >= b.least)
        far = (above | below) & (count >= b.enough)
        implausible = far & (in_a_row < b.at_most) & (said[now] != KEEP)
        if b.hindsight:
            level = far & (in_a_row == b.at_most)
            began = np.s_[max(now - b.at_most, 0) : now]
            taken_back = marked[began] & level & (said[began] != ONE_OFF)
            marked[began] &= ~taken_back
            counts_as[began] = np.where(taken_back, np.nan, counts_as[began])
            damped[began] = np.where(taken_back, values[began], damped[began])
        in_a_row = np.where(far, in_a_row + 1, 0)
        called = (said[now] == ONE_OFF) & ~np.isnan(here)
        marked[now] = implausible | called
        nearest = np.where(above, high, low)
        counts_as[now] = np.where(called, usual, np.where(implausible, nearest, np.nan))
        damped[now] = np.where(marked[now], counts_as[now], here)
    return marked, counts_as


def _move_of_peers(here: Matrix, usual: Matrix, groups: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How a period stands to the usual in the middle of each series' peers; of all where these are under five."""
    counted = (usual >= 1) & ~np.isnan(here)
    if not counted.any():
        return np.ones(len(here))
    ratios, of = here[counted] / usual[counted], groups[counted]
    moved = np.full(len(here), float(np.median(ratios)) if len(ratios) >= 5 else 1.0)
    in_order = np.lexsort((ratios, of))
    ratios, of = ratios[in_order], of[in_order]
    begins = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    size = np.diff(np.r_[begins, len(of)])
    middle = (ratios[begins + (size - 1) // 2] + ratios[begins + size // 2]) / 2
    at = np.clip(np.searchsorted(of[begins], groups), 0, len(begins) - 1)
    enough = (of[begins][at] == groups) & (size[at] >= 5)
    moved[enough] = middle[at[enough]]
    return moved


def _groups(rows: pd.DataFrame, peers: str | None, codes: np.ndarray[Any, Any], keys: int) -> np.ndarray[Any, Any]:
    """The group of each key by number; -1 where it has none."""
    found = np.full(keys, -1)
    if peers:
        found[codes] = pd.factorize(rows[peers])[0]
    return found


def _said(
    words: pd.DataFrame | None, names: tuple[str, str], times: pd.DatetimeIndex, keys: pd.Index
) -> np.ndarray[Any, Any]:
    """The word on each (time, key); empty where nobody said one. A day belongs to the period that began last."""
    said = np.full((len(times), len(keys)), "", dtype=object)
    if words is None or words.empty:
        return said
    key, time = names
    days = pd.DatetimeIndex(pd.to_datetime(words[time])).normalize().as_unit(times.unit)
    at = times.searchsorted(days, side="right") - 1
    longest = pd.Series(times).diff().max()
    at[days - times[at] >= (longest if pd.notna(longest) else pd.Timedelta(days=7))] = -1
    of = keys.get_indexer(pd.Index(words[key].astype(str)))
    there = (at >= 0) & (of >= 0)
    said[at[there], of[there]] = words["word"].astype(str).to_numpy()[there]
    return said
