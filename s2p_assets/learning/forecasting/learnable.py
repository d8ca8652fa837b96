"""A history as forecasters take it: regular, implausible cells damped, unknown ones filled in, at the present level.

What is done to the cells is in `implausible_observations.py` and `present_level.py`; scores are of what was sold.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import ForecastTask
from s2p_assets.learning.forecasting.implausible_observations import bounds_for, mark_one_offs
from s2p_assets.learning.forecasting.present_level import filled_in, level_factors, undelivered_periods
from s2p_assets.learning.forecasting.seasons import season_of
from s2p_assets.learning.forecasting.series import (
    Matrix,
    damped,
    lean,
    panel,
    regular_history,
    uncensor,
    values_by_row,
    with_target,
)
from s2p_assets.learning.remembered import MadeOfFrame

PRICE_MOVED = 0.03
FEWEST_PERIODS = 3


def sold_rows(history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`history` regular, with what implausible cells count as; an undelivered period counts as one without stock."""
    rows = damped(regular_history(history, task), task)
    missing = undelivered_times(rows, task)
    if task.censored and len(missing):
        rows = rows.assign(**{task.censored: rows[task.censored] | rows[task.time].isin(missing)})
    return rows


def undelivered_times(rows: pd.DataFrame, task: ForecastTask) -> pd.DatetimeIndex:
    """The periods of a regular history that look as if they had never been delivered."""
    past = panel(rows, task)
    return past.times[undelivered_periods(past.values, task.year)]


def learnable(rows: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`rows` (as of `sold_rows`, known up to some period) with targets as forecasters are to learn from."""
    known = with_target(rows, task)
    if known.empty:
        return rows
    target = pd.Series(_learnable_values(known, task), index=known.index)
    return rows.assign(**{task.target: rows[task.target].where(rows[task.target].isna(), target.reindex(rows.index))})


def training_rows(history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`history` as forecasters take it."""
    return learnable(sold_rows(history, task), task)


lean_training_rows = MadeOfFrame(lambda history, task: uncensor(sold_rows(lean(history, task), task), task))
"""What was sold of a `lean` history, stock-outs filled in: what is measured of a version needs no more."""


def _learnable_values(known: pd.DataFrame, task: ForecastTask) -> Matrix:
    known = _without_one_offs(known, task)
    past = panel(uncensor(known, task), task)
    sold = panel(known, task).values
    season = season_of(past, task.country).factors(past.times)[:, None]
    unknown = np.zeros(sold.shape, dtype=bool)
    if task.censored:
        unknown = panel(known, task, task.censored).values > 0
    unknown |= undelivered_periods(sold, task.year)[:, None] & ~np.isnan(sold)
    values = filled_in(sold, unknown, season)
    values = values * level_factors(values, season, task.year, _moved_prices(known, task))
    return values_by_row(values, known, task)


def _without_one_offs(known: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`known` with its implausible cells damped, where its task has no column that says so."""
    if task.damped:
        return known.assign(**{task.damped: np.nan})
    if known[task.time].nunique() <= FEWEST_PERIODS:
        return known
    bounds = replace(bounds_for(pd.DatetimeIndex(known[task.time].unique())), hindsight=True)
    found = mark_one_offs(
        known, key=task.entity, value=task.target, time=task.time, censored=task.censored, bounds=bounds
    )
    return known.assign(**{task.target: known[task.target].where(found["counts_as"].isna(), found["counts_as"])})


def _moved_prices(known: pd.DataFrame, task: ForecastTask) -> "np.ndarray[tuple[int, ...], np.dtype[np.bool_]] | None":
    """Where the price was another than it is as a rule (times × entities); None without one that is known."""
    if task.price is None or task.price not in task.known or task.price not in known:
        return None
    price = panel(known, task, task.price).values
    with np.errstate(all="ignore"):
        usual = np.array([np.nanmedian(one) if (~np.isnan(one)).any() else np.nan for one in price[-task.year :].T])
        return np.asarray(np.abs(np.log(price / usual)) > PRICE_MOVED)
