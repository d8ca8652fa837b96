"""The beginning and the end of a series: a new one is forecast by its peers, one that ended as 0.

Forecasts of a series in the middle of its life are for the forecasters.
"""

from typing import Any

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.seasons import season_of
from s2p_assets.learning.forecasting.series import Matrix, Panel, future_times, newest_values, panel

NEW, ENDED, SEASONAL = "new", "ended", "seasonal"
PEER_SEPARATOR = " | "
MIN_PEERS = 4
MAX_SILENCE_RATIO = 2
LONGEST_SEASON = 0.4
SURPRISES = (3.0, 6.0, 10.0, 16.0)
"""From where on a silence is unlikely: a chance of one in twenty, in four hundred, and less."""
ENDS_A_YEAR, PRIOR_SILENCES, FEWEST_BEFORE = 0.17, 4.0, 8


def forecast_with_lifecycle(
    forecaster: Forecaster, known: pd.DataFrame, task: ForecastTask, horizon: int
) -> pd.DataFrame:
    """The forecast of a fitted `forecaster` for a learnable history, but for series that ended or have one season.

    Those that `ended_series` are 0, and those that fell silent of late at most what is left of such as they
    (`silent_ceilings`); what sells at one time of the year alone sells then as it did (`seasonal_means`). One row per
    (entity, step): entity, time, step, mean and life, which is missing for all that goes on.
    """
    rows = forecaster.forecast(known, horizon)
    past = panel(known, task)
    ahead = future_times(past.times[-1], horizon, task)
    at, step = past.entities.get_indexer(pd.Index(rows["entity"])), rows["step"].to_numpy(int) - 1
    seasonal = seasonal_means(past.values, task.year, horizon)
    own = ~np.isnan(seasonal[0])
    over = ended_series(past, task).to_numpy(bool) & ~own
    season = season_of(past).factors(pd.DatetimeIndex(past.times.append(ahead)))
    most = silent_ceilings(past.values / season[: len(past.times), None], task.year, horizon)
    mean = np.fmin(rows["mean"].to_numpy(float), most[at] * season[len(past.times) + step])
    mean = np.where(over[at], 0.0, np.where(own[at], seasonal[step, at], mean))
    life = pd.Series(pd.NA, index=rows.index, dtype="string").mask(over[at], ENDED).mask(own[at], SEASONAL)
    return rows.assign(mean=mean, life=life)


def ended_series(past: Panel, task: ForecastTask) -> "pd.Series[bool]":
    """Entity → whether it sells no more: silent for twice as long as ever between two sales, and for half a year.

    The first keeps slow movers. What never sold never began.
    """
    silent = lags.periods_since_positive(past.values)
    before = np.where(past.values > 0, lags.lag(silent, 1) + 1, np.nan)
    longest = np.fmax.reduce(before, axis=0, initial=1.0)
    return pd.Series(silent[-1] >= np.fmax(MAX_SILENCE_RATIO * longest, task.year / 2), index=past.entities)


def seasonal_means(values: Matrix, year: int, horizon: int) -> Matrix:
    """What entities with one season a year sell in the periods to come (steps × entities); NaN for all others.

    One season: in each year back from now it sold in one stretch of at most two fifths of it, in half the periods of
    that and four of them at least, and not at all in the rest. It is expected as in the same period of the years
    seen, the last one as much as all before it, each period with its neighbours.
    """
    means = np.full((horizon, values.shape[1]), np.nan)
    years = len(values) // year
    if year < 50 or years < 1:
        return means
    sold = np.nan_to_num(values)
    wide = max(year // 52, 1)
    back = [sold[len(sold) - year * (n + 1) : len(sold) - year * n] for n in range(years)]
    one_season = np.ones(values.shape[1], dtype=bool)
    seen = np.zeros(values.shape[1], dtype=int)
    for n, part in enumerate(back):
        some = part.any(axis=0)
        one_season &= ~some | _is_one_stretch(part > 0, year)
        seen += some
        one_season &= some | (n > 0)
    rest = sold[: len(sold) - year * years]
    one_season &= (seen > 0) & ~rest.any(axis=0)
    for which in np.flatnonzero(one_season):
        profiles = [_with_neighbours(part[:, which], wide) for part in back if part[:, which].any()]
        profile = profiles[0] if len(profiles) == 1 else (profiles[0] + np.mean(profiles[1:], axis=0)) / 2
        means[:, which] = profile[np.arange(horizon) % year]
    return means


def _is_one_stretch(sells: "np.ndarray[Any, np.dtype[np.bool_]]", year: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Whether what sells in a year (a ring of periods × entities) does in one dense stretch of at most two fifths."""
    count, width = sells.sum(axis=0), int(year * LONGEST_SEASON)
    ring = np.vstack([sells, sells[:width]]).astype(int)
    summed = np.vstack([np.zeros((1, sells.shape[1]), int), ring.cumsum(axis=0)])
    within = (summed[width:] - summed[:-width])[:year]
    first, last = _ends_of(sells, within.argmax(axis=0), width)
    dense = count >= np.maximum((last - first + 1) * 0.5, 4)
    return np.asarray((within.max(axis=0) == count) & dense)


def _ends_of(
    sells: "np.ndarray[Any, np.dtype[np.bool_]]", begin: "np.ndarray[Any, Any]", width: int
) -> "tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]":
    year = len(sells)
    window = sells[(begin[None, :] + np.arange(width)[:, None]) % year, np.arange(sells.shape[1])[None, :]]
    return window.argmax(axis=0), width - 1 - window[::-1].argmax(axis=0)


def _with_neighbours(profile: Matrix, wide: int) -> Matrix:
    """The mean of each period of a year and of those on either side, which a calendar moves it by."""
    parts = [np.roll(profile, shift) for shift in range(-wide, wide + 1)]
    return np.asarray(np.mean(parts, axis=0))


def silent_ceilings(plain: Matrix, year: int, horizon: int) -> Matrix:
    """The most that is expected a period of entities that fell silent when they would have sold; infinite for others.

    `plain`: what was sold without the season (times × entities). Silence counts by how unlikely it is of an entity that
    went on selling (`_surprise`). What is left of such a one is what was left of all that ever fell as silent before,
    leaned on the chance that it goes on, if one in three hundred ends in a week.
    """
    surprise, level, silent = _surprise(plain, year)
    most = np.full(plain.shape[1], np.inf)
    lately = surprise >= SURPRISES[0]
    if not lately.any():
        return most
    left, times = np.zeros(len(SURPRISES)), np.zeros(len(SURPRISES))
    for now in range(len(plain) - horizon, max(len(plain) - 2 * year, year // 2), -max(horizon // 2, 1)):
        then, usual, _ = _surprise(plain[:now], year)
        bin_of = np.searchsorted(SURPRISES, then, side="right") - 1
        later = np.nan_to_num(plain[now : now + horizon]).mean(axis=0)
        there = (bin_of >= 0) & (usual > 0)
        np.add.at(left, bin_of[there], np.minimum(later[there] / usual[there], 2.0))
        np.add.at(times, bin_of[there], 1.0)
    place = np.searchsorted(SURPRISES, surprise, side="right") - 1
    ends = np.log(ENDS_A_YEAR / year)
    goes_on = 1 / (1 + np.exp(np.clip(ends + np.log(np.maximum(silent, 1)) + surprise, -50, 50)))
    share = (left[place] + PRIOR_SILENCES * goes_on) / (times[place] + PRIOR_SILENCES)
    return np.where(lately, np.minimum(share, 1.0) * level, most)


def _surprise(plain: Matrix, year: int) -> tuple[Matrix, Matrix, Matrix]:
    """How unlikely the last silence of each entity is (minus the logarithm), its level before, and its length.

    From the share of the year's periods before the silence in which it sold; 0 while it sells.
    """
    silent = lags.last_silence(plain)
    rows = np.arange(len(plain))[:, None]
    before = (rows < len(plain) - silent) & (rows >= len(plain) - silent - year) & ~np.isnan(plain)
    count = before.sum(axis=0)
    nothing = (before & (np.nan_to_num(plain) <= 0)).sum(axis=0)
    level = np.divide(np.where(before, plain, 0.0).sum(axis=0), count, out=np.zeros(len(count)), where=count > 0)
    chance = (nothing + 1.0) / (count + 2.0)
    return np.where(count >= FEWEST_BEFORE, -silent * np.log(chance), 0.0), level, silent


def forecast_new_entities(known: pd.DataFrame, listed: pd.DataFrame, task: ForecastTask, horizon: int) -> pd.DataFrame:
    """The expected demand of entities that never sold yet, by how their peers began.

    One row each: entity, mean and deviation a period, peers (their names, `PEER_SEPARATOR`).

    `known`: a learnable history. `listed`: one row per such entity, with `task.entity`, the columns of
    `task.peers`, and `task.price` if that is known. Peers share the values of `task.peers` and began within
    the history, at least a horizon before its end; those nearer in price count more. With fewer than four such, all
    that began within it are peers; with fewer than four of these, the entity is left out.
    """
    past = panel(known, task)
    first = (~np.isnan(past.values)).argmax(axis=0)
    began = np.flatnonzero((first > 0) & (first + horizon <= len(past.times)))
    starts = [past.values[first[one] : first[one] + horizon, one] for one in began]
    columns = (*task.peers, *([task.price] if task.price else []))
    peers = newest_values(known, task, columns).reindex(past.entities[began])
    group, wanted_group = _labels(peers, task), _labels(listed, task)
    price, wanted_price = _prices(peers, task), _prices(listed, task)
    found = []
    for at, entity in enumerate(listed[task.entity]):
        alike = np.flatnonzero(group == wanted_group[at])
        those = alike if len(alike) >= MIN_PEERS else np.arange(len(began))
        if len(those) >= MIN_PEERS:
            near = np.nan_to_num(np.exp(-np.abs(np.log(price[those] / wanted_price[at]))), nan=0.5)
            values = np.column_stack([starts[one] for one in those])
            mean = float(np.average(values.mean(axis=0), weights=near))
            deviation = float(np.sqrt(np.average(((values - mean) ** 2).mean(axis=0), weights=near)))
            names = PEER_SEPARATOR.join(str(past.entities[began[one]]) for one in those)
            found.append((entity, mean, deviation, names))
    return pd.DataFrame(found, columns=["entity", "mean", "deviation", "peers"])


def _labels(rows: pd.DataFrame, task: ForecastTask) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    texts = pd.Series("", index=rows.index)
    for name in task.peers:
        texts = texts + "\x1f" + rows[name].astype("string").fillna("").astype(str)
    return texts.to_numpy(object)


def _prices(rows: pd.DataFrame, task: ForecastTask) -> Matrix:
    """The price of each row; NaN where there is none."""
    if not task.price or task.price not in rows:
        return np.full(len(rows), np.nan)
    price = rows[task.price].to_numpy("float64", na_value=np.nan)
    return np.where(price > 0, price, np.nan)
