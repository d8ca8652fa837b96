"""The time of year of single series and of groups of them, beyond that of all: as far as several years bear it out.

The season of all is made in `seasons.py`, what prices do in `price_effects.py`; what sells at one time of the year
alone is in `lifecycle.py`.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.feasts import feast_factors
from s2p_assets.learning.forecasting.lags import moving_mean
from s2p_assets.learning.forecasting.price_effects import price_effects
from s2p_assets.learning.forecasting.seasons import season_of
from s2p_assets.learning.forecasting.series import Matrix, Panel, newest_values, panel

LONGEST_YEAR = 53
YEARS, LEAST_YEARS = 4, 1.5
NEIGHBOURS = 1
FEWEST_SERIES = 8
PAYS = 0.95
"""What is left of the squared error where the seasons of single series are taken up for all."""
CERTAIN, PAYS_ALONE = 3.0, 0.9
"""By how many deviations a season is evident by itself, and what is left of that series' squared error then."""
FURTHEST, LEAST = 10.0, 0.02


def usual_factors(past: Panel, history: pd.DataFrame, task: ForecastTask, times: pd.DatetimeIndex) -> Matrix:
    """What each series sells at each of `times` relative to its usual (times × entities): all series' season, what the
    price does where it is known in advance, and the series' own season.

    `times`: those of `past`, and periods to come. What is too young to show a season has that of its group of peers.
    Of days, the season of all alone. Feasts that move are taken out first, and are in it.
    """
    feasts = feast_factors(past, times, task.country)
    calm = replace(past, values=past.values / feasts[: len(past.times)])
    return np.asarray(feasts * _calm_factors(calm, history, task, times))


def _calm_factors(past: Panel, history: pd.DataFrame, task: ForecastTask, times: pd.DatetimeIndex) -> Matrix:
    count, ahead = len(past.times), len(times) - len(past.times)
    known = np.broadcast_to(season_of(past, task.country).factors(times)[:, None], (len(times), len(past.entities)))
    known = known * price_factors(past, history, task, times, known)
    if task.year > LONGEST_YEAR or count < LEAST_YEARS * task.year:
        return np.asarray(known)
    plain = past.values / known[:count]
    own = own_factors(plain, task.year, task.horizon, ahead)
    young = (~np.isnan(plain)).sum(axis=0) < LEAST_YEARS * task.year
    groups = _groups(history, past, task) if young.any() else None
    if groups is not None:
        own[:, young] = own_factors(_of_groups(plain, groups), task.year, task.horizon, ahead)[:, groups[young]]
    return np.asarray(known * own)


def price_factors(
    past: Panel, history: pd.DataFrame, task: ForecastTask, times: pd.DatetimeIndex, season: Matrix
) -> Matrix:
    """What each series sells at its price at each of `times` relative to its usual one; 1 where none is known ahead.

    `season`: what else it sells relative to its usual (times × 1 or entities).
    """
    if not task.price or task.price not in task.known or task.price not in history.columns:
        return np.ones((len(times), 1))
    found = panel(history, task, task.price)
    price = pd.DataFrame(found.values, found.times, found.entities).reindex(times, columns=past.entities).to_numpy()
    return price_effects(past.values, price, season, task.year).factors()


def own_factors(plain: Matrix, year: int, horizon: int, ahead: int) -> Matrix:
    """The season of each series by itself ((times + `ahead`) × series), with mean about 1; 1 where none is borne out.

    `plain`: what was sold without what is known of its season. A year's profile is what was sold over the mean of a
    year, each period with its neighbours. How much of it is no noise follows from how alike profiles of several years
    are, leaned on how alike they are in the middle of all series, if such seasons, made of the other years, foretold
    what lay a horizon ahead; without that, only a series whose own evidence is beyond doubt has one. An empirical Bayes
    estimate, after James & Stein (1961).
    """
    count, series = plain.shape
    if not series or count < LEAST_YEARS * year:
        return np.ones((count + ahead, series))
    profiles = _profiles(plain, year)
    strength, deviation = _evidence(profiles)
    able = np.isfinite(deviation)
    middle = max(float(np.median(strength[able])), 0.0) if able.sum() >= FEWEST_SERIES else 0.0
    evident = able & (strength > CERTAIN * deviation)
    taken = np.zeros(series)
    if evident.any():
        left = _left_of_error(plain[:, evident], profiles[:, :, evident], strength[evident], horizon)
        taken[evident] = np.where(left < PAYS_ALONE, strength[evident], 0.0)
    if middle > 0:
        left = _left_of_error(plain, profiles, np.full(series, middle), horizon)[able]
        if float(np.mean(np.minimum(left, 4.0))) < PAYS:
            taken = np.where(able, np.maximum(taken, _leaned(strength, deviation, middle, able)), 0.0)
    return _index(profiles, taken)[np.arange(-count, ahead) % year]


def _groups(
    history: pd.DataFrame, past: Panel, task: ForecastTask
) -> "np.ndarray[tuple[int], np.dtype[np.intp]] | None":
    """The number of each series' group of peers; None where nothing tells them apart."""
    if not task.peers or not set(task.peers) <= set(history.columns):
        return None
    shared = newest_values(history, task, task.peers).reindex(past.entities)
    numbers = np.asarray(shared.groupby(list(task.peers), sort=False, dropna=False).ngroup(), np.intp)
    return numbers if 0 < numbers.max() < len(numbers) - 1 else None


def _of_groups(plain: Matrix, groups: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> Matrix:
    """What each group sells over the usual of those of it that are alive (times × groups), so that no newcomer counts.

    Missing where none is.
    """
    usual = moving_mean(plain, len(plain))[-1]
    member = np.eye(groups.max() + 1)[groups]
    expected = np.where(np.isnan(plain), 0.0, usual) @ member
    return np.divide(np.nan_to_num(plain) @ member, expected, out=np.full(expected.shape, np.nan), where=expected > 0)


def _profiles(plain: Matrix, year: int) -> Matrix:
    """By how much each period of each of the last years lay off its year's mean (years × periods × series).

    The first period of a year is that which comes next; missing where nothing is known.
    """
    trend = pd.DataFrame(plain).rolling(year, center=True, min_periods=int(year * 0.9)).mean().ffill().bfill()
    off = np.minimum(
        np.divide(plain, trend, out=np.full(plain.shape, np.nan), where=trend.to_numpy() > 0) - 1, FURTHEST
    )
    years = min(-(-len(off) // year), YEARS)
    missing = np.full((max(years * year - len(off), 0), off.shape[1]), np.nan)
    off = np.vstack([missing, off])[-years * year :]
    shifts = range(-NEIGHBOURS, NEIGHBOURS + 1)
    known = ~np.isnan(off)
    total = sum((np.roll(np.nan_to_num(off), shift, axis=0) for shift in shifts), np.zeros_like(off))
    there = sum((np.roll(known * 1.0, shift, axis=0) for shift in shifts), np.zeros_like(off))
    return np.where(known, total / np.maximum(there, 1), np.nan).reshape(years, year, -1)


def _evidence(profiles: Matrix) -> tuple[Matrix, Matrix]:
    """Of each series what its years have in common over what they have not, and how uncertain that is.

    Both as variances. What follows one another in a year is alike and counts as less; infinitely uncertain where too
    little was seen twice.
    """
    known = ~np.isnan(profiles)
    count, plain = known.sum(axis=0), np.nan_to_num(profiles)
    mean, twice = plain.sum(axis=0) / np.maximum(count, 1), count > 1
    off = np.where(known & twice, plain - mean, 0.0)
    noise = (off**2).sum(axis=(0, 1)) / np.maximum(np.maximum(count - 1, 0).sum(axis=0), 1)
    pairs = np.maximum(count * (count - 1) / 2, 1)
    alike = np.where(twice, (plain.sum(axis=0) ** 2 - (plain**2).sum(axis=0)) / 2 / pairs, 0.0)
    seen = np.maximum(twice.sum(axis=0), 1)
    common = alike.sum(axis=0) / seen
    row = off.reshape(-1, off.shape[2])
    spread = (row**2).sum(axis=0)
    together = (row[1:] * row[:-1]).sum(axis=0)
    rho = np.clip(np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0), 0.0, 0.97)
    squared = np.maximum((alike**2).sum(axis=0) / seen - common**2, 0.0) / seen * (1 + rho**2) / (1 - rho**2)
    able = (seen >= profiles.shape[1] * 0.4) & (noise > 1e-9)
    noise = np.maximum(noise, 1e-9)
    return np.where(able, common / noise, 0.0), np.where(able, np.sqrt(squared) / noise, np.inf)


def _leaned(
    strength: Matrix, deviation: Matrix, middle: float, able: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> Matrix:
    """Each series' strength leaned on the middle one, the more the less certain its own is."""
    spread = (1.4826 * float(np.median(np.abs(strength[able] - middle)))) ** 2
    apart = max(spread - float(np.median(deviation[able] ** 2)), 0.01 * middle**2, 1e-9)
    own = apart / (apart + np.where(able, deviation, 0.0) ** 2)
    return np.asarray(np.maximum(own * strength + (1 - own) * middle, 0.0))


def _index(profiles: Matrix, strength: Matrix) -> Matrix:
    """The factor of each period of the year (periods × series), of profiles that are so strong over their noise."""
    known = ~np.isnan(profiles)
    count = known.sum(axis=0)
    mean = np.nan_to_num(profiles).sum(axis=0) / np.maximum(count, 1)
    trust = strength / (strength + 1 / np.maximum(count, 1))
    return np.asarray(np.maximum(1 + np.where(count > 0, trust * mean, 0.0), LEAST))


def _left_of_error(plain: Matrix, profiles: Matrix, strength: Matrix, horizon: int) -> Matrix:
    """Squared error with seasons made of the other years over that without any, by series; 1 where there is none.

    Of forecasts by the mean of two months, one period, half a horizon and a horizon ahead.
    """
    years, year, series = profiles.shape
    totals = np.zeros((2, series))
    for left_out in range(years):
        first, last = len(plain) - (years - left_out) * year, len(plain) - (years - left_out - 1) * year
        index = _index(np.delete(profiles, left_out, axis=0), strength)[np.arange(-len(plain), 0) % year]
        for which, factors in enumerate((index, np.ones_like(index))):
            level = moving_mean(plain / factors, max(year // 6, 2))
            for step in {1, (horizon + 1) // 2, horizon}:
                at = np.arange(max(first, year // 6 + step), last)
                totals[which] += np.nansum((plain[at] - level[at - step] * factors[at]) ** 2, axis=0)
    return np.divide(totals[0], totals[1], out=np.ones(series), where=totals[1] > 0)
