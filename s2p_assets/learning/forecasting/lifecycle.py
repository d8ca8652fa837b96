"""The beginning and the end of a series: a new one is forecast by its peers, one that ended as 0.

Forecasts of a series in the middle of its life are for the forecasters.
"""

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting import lags
from s2p_assets.learning.forecasting.series import Matrix, Panel, newest_values, panel

NEW, ENDED = "new", "ended"
PEER_SEPARATOR = " | "
MIN_PEERS = 4
MAX_SILENCE_RATIO = 2


def forecast_with_lifecycle(
    forecaster: Forecaster, known: pd.DataFrame, task: ForecastTask, horizon: int
) -> pd.DataFrame:
    """The forecast of a fitted `forecaster` for a learnable history, 0 for series that `ended_series`, named so in
    `life`.

    One row per (entity, step): entity, time, step, mean and life, which is missing for all that goes on.
    """
    rows = forecaster.forecast(known, horizon)
    over = rows["entity"].map(ended_series(panel(known, task), task)).to_numpy(bool)
    life = pd.Series(pd.NA, index=rows.index, dtype="string").mask(over, ENDED)
    return rows.assign(mean=rows["mean"].mask(over, 0.0), life=life)


def ended_series(past: Panel, task: ForecastTask) -> "pd.Series[bool]":
    """Entity → whether it sells no more: silent for twice as long as ever between two sales, and for half a year.

    The second keeps seasonal goods, the first slow movers. What never sold never began.
    """
    silent = lags.periods_since_positive(past.values)
    before = np.where(past.values > 0, lags.lag(silent, 1) + 1, np.nan)
    longest = np.fmax.reduce(before, axis=0, initial=1.0)
    return pd.Series(silent[-1] >= np.fmax(MAX_SILENCE_RATIO * longest, task.year / 2), index=past.entities)


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
