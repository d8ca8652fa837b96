"""Feasts that move from year to year, by the week: what each series sold around them, as far as its past confirms it.

The season that all share is in `seasons.py`, where single days have their holidays too.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.seasons import days_apart
from s2p_assets.learning.forecasting.series import Matrix, Panel

OFFSETS = (-2, -1, 0, 1)
"""Weeks from that of the feast: shops sell most before, and least in the week itself or after it."""
FROM_EASTER = {"Easter": 0, "Whitsun": 49, "Carnival": -48}
ORTHODOX = frozenset({"BG", "BY", "CY", "GE", "GR", "MD", "ME", "MK", "RO", "RS", "RU", "UA"})
AROUND, FEWEST_AROUND, FEWEST_SEEN = 8, 6, 2
DOUBT, SURE = 1.5, 4.0
"""By so much more than their noise series must differ around a feast before each one's own is believed; and so many
squared errors of it what all have in common must lie from none.
"""
LARGEST = np.log(6.0)


def feast_factors(past: Panel, times: pd.DatetimeIndex, country: str | None = None) -> Matrix:
    """What each series sells at each of `times` over its usual, around feasts that move (times × entities).

    1 at all other times, where periods are no weeks, and of feasts that were not seen twice. A series' own effect is
    leaned on that of all, the more the less series differ beyond their noise, and that of all on none: after Efron &
    Morris (1975). `country`: two letters; where Easter is the Orthodox one.
    """
    factors: Matrix = np.ones((len(times), len(past.entities)))
    if days_apart(past.times) != 7 or len(past.times) < 2 * 52:
        return factors
    for after in FROM_EASTER.values():
        seen = [at for at in _weeks(past.times, after, country) if at + max(OFFSETS) < len(past.times) + AROUND]
        effects = _effects(past.values, seen)
        for at in _weeks(times, after, country):
            for offset, effect in zip(OFFSETS, effects, strict=True):
                if 0 <= at + offset < len(times):
                    factors[at + offset] *= effect
    return factors


def _weeks(times: pd.DatetimeIndex, after: int, country: str | None) -> Iterator[int]:
    """The places of the weeks in which a feast lies, so many days after Easter; also just beyond the ends."""
    from dateutil.easter import EASTER_ORTHODOX, EASTER_WESTERN, easter  # type: ignore[import-untyped]

    method = EASTER_ORTHODOX if country in ORTHODOX else EASTER_WESTERN
    for year in range(times[0].year - 1, times[-1].year + 2):
        day = pd.Timestamp(easter(year, method)) + pd.Timedelta(days=after)
        at = (day - times[0]).days // 7
        if -max(OFFSETS) <= at < len(times) - min(OFFSETS):
            yield at


def _effects(values: Matrix, seen: list[int]) -> Matrix:
    """The factor of each series (offsets × entities) in the weeks around a feast that lay at `seen`."""
    ratios = np.full((len(seen), len(OFFSETS), values.shape[1]), np.nan)
    noise, common = np.full((len(seen), values.shape[1]), np.nan), np.full(len(seen), np.nan)
    for number, at in enumerate(seen):
        near = [
            week for week in range(at - AROUND, at + AROUND) if 0 <= week < len(values) and week - at not in OFFSETS
        ]
        enough = (~np.isnan(values[near])).sum(axis=0) >= FEWEST_AROUND if near else np.zeros(values.shape[1], bool)
        usual = np.nanmedian(np.where(enough, values[near], 0.0), axis=0) if near else np.zeros(values.shape[1])
        enough &= usual > 0
        if not enough.any():
            continue
        calm = _log_ratio(values[near][:, enough], usual[enough])
        noise[number, enough] = np.nanvar(calm, axis=0)
        common[number] = np.var(np.nanmean(calm, axis=1))
        for place, offset in enumerate(OFFSETS):
            if 0 <= at + offset < len(values):
                ratios[number, place, enough] = _log_ratio(values[at + offset, enough], usual[enough])
    in_common = float(np.nanmean(common)) if np.isfinite(common).any() else 0.0
    return np.array([_believed(ratios[:, place], noise, in_common) for place in range(len(OFFSETS))])


def _log_ratio(values: Matrix, usual: Matrix) -> Matrix:
    return np.asarray(np.log((values + 0.5) / (usual + 0.5)))


def _believed(ratios: Matrix, noise: Matrix, in_common: float) -> Matrix:
    """The factor of each series, of its logarithmic ratios and their noise (feasts × entities).

    `in_common`: the variance, from week to week, of what all series have in common.
    """
    known = ~np.isnan(ratios)
    count = known.sum(axis=0)
    twice = count >= FEWEST_SEEN
    if not twice.any():
        return np.ones(ratios.shape[1])
    mean = np.where(known, ratios, 0.0).sum(axis=0) / np.maximum(count, 1)
    spread = np.where(known, (ratios - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
    around = np.where(known, np.nan_to_num(noise), 0.0).sum(axis=0) / np.maximum(count, 1)
    error = np.maximum(np.maximum(around, spread), 1e-4) / np.maximum(count, 1)
    weight = np.where(twice, 1 / error, 0.0)
    common = float((weight * mean).sum() / weight.sum())
    of_feasts = np.array([np.average(row[ok & twice], weights=weight[ok & twice]) if (ok & twice).any() else common
                          for row, ok in zip(ratios, known, strict=True)])  # fmt: skip
    between = float(of_feasts.var(ddof=1)) if len(of_feasts) > 1 else 0.0
    doubt = max(between, in_common) / len(of_feasts)
    common = common * max(1 - SURE * doubt / max(common**2, 1e-12), 0.0)
    differ = float(((mean - common) ** 2)[twice].mean() - DOUBT * error[twice].mean())
    own = max(differ, 0.0) / (max(differ, 0.0) + error)
    return np.exp(np.clip(np.where(twice, common + own * (mean - common), 0.0), -LARGEST, LARGEST))
