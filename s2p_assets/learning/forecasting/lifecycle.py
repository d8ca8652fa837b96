"""The beginning and the end of a series: a new one is forecast by its peers, one that ended as 0.

Forecasts of a series in the middle of its life are for the forecasters.
"""

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.series import Matrix, Panel, newest, panel
from s2p_assets.learning.model import Forecaster, Problem

NEW, ENDED = "new", "ended"
BETWEEN_PEERS = " | "
FEWEST_PEERS = 4
SILENCES = 2


def foretold(forecaster: Forecaster, known: pd.DataFrame, problem: Problem, horizon: int) -> pd.DataFrame:
    """The forecast of a fitted `forecaster` for a learnable history, 0 for series that `ended`, named so in `life`.

    One row per (entity, step): entity, time, step, mean and life, which is missing for all that goes on.
    """
    rows = forecaster.forecast(known, horizon)
    over = rows["entity"].map(ended(panel(known, problem), problem)).to_numpy(bool)
    life = pd.Series(pd.NA, index=rows.index, dtype="string").mask(over, ENDED)
    return rows.assign(mean=rows["mean"].mask(over, 0.0), life=life)


def ended(past: Panel, problem: Problem) -> "pd.Series[bool]":
    """Entity → whether it sells no more: silent for twice as long as ever between two sales, and for half a year.

    The second keeps seasonal goods, the first slow movers. What never sold never began.
    """
    silent = lags.since_positive(past.values)
    before = np.where(past.values > 0, lags.lag(silent, 1) + 1, np.nan)
    longest = np.fmax.reduce(before, axis=0, initial=1.0)
    return pd.Series(silent[-1] >= np.fmax(SILENCES * longest, problem.year / 2), index=past.entities)


def launches(known: pd.DataFrame, listed: pd.DataFrame, problem: Problem, horizon: int) -> pd.DataFrame:
    """The expected demand of entities that never sold yet, by how their peers began.

    One row each: entity, mean and deviation a period, peers (their names, `BETWEEN_PEERS`).

    `known`: a learnable history. `listed`: one row per such entity, with `problem.entity`, the columns of
    `problem.peers`, and `problem.price` if that is known. Peers share the values of `problem.peers` and began within
    the history, at least a horizon before its end; those nearer in price count more. With fewer than four such, all
    that began within it are peers; with fewer than four of these, the entity is left out.
    """
    past = panel(known, problem)
    first = (~np.isnan(past.values)).argmax(axis=0)
    began = np.flatnonzero((first > 0) & (first + horizon <= len(past.times)))
    starts = [past.values[first[one] : first[one] + horizon, one] for one in began]
    columns = (*problem.peers, *([problem.price] if problem.price else []))
    peers = newest(known, problem, columns).reindex(past.entities[began])
    group, asked = _labels(peers, problem), _labels(listed, problem)
    price, wanted = _prices(peers, problem), _prices(listed, problem)
    found = []
    for at, entity in enumerate(listed[problem.entity]):
        alike = np.flatnonzero(group == asked[at])
        those = alike if len(alike) >= FEWEST_PEERS else np.arange(len(began))
        if len(those) >= FEWEST_PEERS:
            near = np.nan_to_num(np.exp(-np.abs(np.log(price[those] / wanted[at]))), nan=0.5)
            values = np.column_stack([starts[one] for one in those])
            mean = float(np.average(values.mean(axis=0), weights=near))
            deviation = float(np.sqrt(np.average(((values - mean) ** 2).mean(axis=0), weights=near)))
            names = BETWEEN_PEERS.join(str(past.entities[began[one]]) for one in those)
            found.append((entity, mean, deviation, names))
    return pd.DataFrame(found, columns=["entity", "mean", "deviation", "peers"])


def _labels(rows: pd.DataFrame, problem: Problem) -> "np.ndarray[tuple[int], np.dtype[np.object_]]":
    texts = pd.Series("", index=rows.index)
    for name in problem.peers:
        texts = texts + "\x1f" + rows[name].astype("string").fillna("").astype(str)
    return texts.to_numpy(object)


def _prices(rows: pd.DataFrame, problem: Problem) -> Matrix:
    """The price of each row; NaN where there is none."""
    if not problem.price or problem.price not in rows:
        return np.full(len(rows), np.nan)
    price = rows[problem.price].to_numpy("float64", na_value=np.nan)
    return np.where(price > 0, price, np.nan)
