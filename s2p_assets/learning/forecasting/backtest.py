"""Rolling-origin backtests: forecasts from past cutoffs, beside the actuals.

Measuring the errors is for `metrics.py`, judging them for `champion.py`.
"""

import logging
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.intervals import deviations
from s2p_assets.learning.forecasting.learnable import learnable, sold_rows, undelivered_times
from s2p_assets.learning.forecasting.lifecycle import forecast_with_lifecycle
from s2p_assets.learning.forecasting.series import (
    TooLittleHistory,
    future_times,
    lean,
    with_target,
)
from s2p_assets.learning.parallel import run_parallel
from s2p_assets.learning.registry.learner_files import parameters_of
from s2p_assets.learning.remembered import MadeOfFrame

BACKTEST_COLUMNS = ("fold", "cutoff", "entity", "time", "step", "actual", "mean", "censored", "deviation", "aged")

MIN_PERIODS = 2

log = logging.getLogger(__name__)


def forecast_cutoffs(history: pd.DataFrame, task: ForecastTask) -> list[pd.Timestamp]:
    """The last period known to each fold, oldest first; fewer than `task.folds` when the history is short.

    Without a `task.step` the folds cover a year, so that no season alone decides; of a history that is too short
    for that, its second half. Every fold has at least a horizon's length to learn from; a history that is too short
    for even one such fold has a single one at its half, measured on what is left. Raises TooLittleHistory below two.
    """
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    sold = with_target(history, task)[task.time]
    times = pd.date_range(sold.min(), sold.max(), freq=task.every)
    folds, step = (task.folds, task.step) if task.step else _over_a_year(len(times), task)
    ends = [len(times) - 1 - task.horizon - fold * step for fold in range(folds)]
    usable = [times[end] for end in reversed(ends) if end >= task.horizon - 1]
    if not usable and len(times) >= MIN_PERIODS:
        return [times[(len(times) - 1) // 2]]
    if not usable:
        raise TooLittleHistory(f"{len(times)} period of history; a backtest needs {MIN_PERIODS}")
    return usable


def _over_a_year(periods: int, task: ForecastTask) -> tuple[int, int]:
    """How many folds, and how far apart: over a year, or the half of the history; never closer than half a horizon."""
    first = max(task.horizon, min(task.year, periods // 2))
    room = max(periods - task.horizon - first, 0)
    folds = min(task.folds, room // max(task.horizon // 2, 1) + 1)
    return folds, max(min(task.year // task.folds, room // max(folds - 1, 1)), 1)


def rolling_origin(forecaster: Forecaster, history: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """Refit `forecaster` at each cutoff on what was known then, and forecast the horizon; folds side by side.

    One row per (fold, entity, step): fold (1 is the oldest), cutoff, entity, time, step, actual, mean,
    censored, deviation (of the entity, as known at the cutoff), aged (of the last fold: the mean by the fit of the
    fold before, which knows the same periods and learned from fewer; missing for all others).
    Actuals are what was sold, damped where it is implausible; where `censored`, demand was higher and no metric counts
    the row.
    An entity counts from the first fold that has a row of it. After Tashman (2000).
    """
    sold = prepared(history, task, seen_by(forecaster, history, task))
    ends = forecast_cutoffs(sold, task)
    if len(ends) < task.folds:
        log.warning("only %d of %d folds: the history starts %s", len(ends), task.folds, sold[task.time].min())
    tasks = [(forecaster, cutoffs, sold, task) for cutoffs in [*((end,) for end in ends[:-2]), tuple(ends[-2:])]]
    made = run_parallel(_fold_forecasts, tasks, progress=f"{type(forecaster).__name__}: fold")
    forecasts = [rows for several in made for rows in several]
    folds = [
        beside_actuals(forecast, sold, task).assign(fold=fold, cutoff=cutoff)
        for fold, (cutoff, forecast) in enumerate(zip(ends, forecasts, strict=True), start=1)
    ]
    return pd.concat(folds, ignore_index=True)[list(BACKTEST_COLUMNS)]


def seen_by(forecaster: Forecaster, history: pd.DataFrame, task: ForecastTask) -> tuple[str, ...] | None:
    """Which columns a forecaster can look at beside its task's: of ours those that it names, of others all (None)."""
    if not type(forecaster).__module__.startswith("s2p_assets.learning."):
        return None
    named = [value for value in parameters_of(forecaster).values() if isinstance(value, str)]
    return tuple(name for name in named if name in history and name != task.price and name not in task.known)


prepared = MadeOfFrame(
    lambda history, task, more: sold_rows(history if more is None else lean(history, task, more), task), most=1
)
"""`sold_rows` of a history with the columns `more` (None: all), made once for all members of a contest."""

learnable_target = MadeOfFrame(
    lambda sold, cutoff, task: learnable(sold[sold[task.time] <= cutoff], task)[task.target].to_numpy(), most=8
)
"""The targets to learn from of what was known at a cutoff."""


def _fold_forecasts(
    forecaster: Forecaster, cutoffs: tuple[pd.Timestamp, ...], sold: pd.DataFrame, task: ForecastTask
) -> list[pd.DataFrame]:
    """The forecasts of folds that follow one another; from the second on with what the fit before says of it."""
    found: list[pd.DataFrame] = []
    before: Forecaster | None = None
    for cutoff in cutoffs:
        known = known_at_cutoff(cutoff, sold, task)
        fitted = forecaster.fit(known, task)
        rows = forecast_with_lifecycle(fitted, known, task, task.horizon)
        rows = rows.assign(deviation=rows["entity"].map(deviations(known, task)), aged=np.nan)
        if before is not None:
            rows["aged"] = _aged(before, fitted, known, task, rows["mean"])
        found.append(rows)
        before = replace(cast("Any", fitted), fit_inputs=None) if hasattr(fitted, "fit_inputs") else fitted
    return found


def _aged(
    before: Forecaster, fitted: Forecaster, known: pd.DataFrame, task: ForecastTask, means: "pd.Series[float]"
) -> "pd.Series[float]":
    """What a fit of earlier says now; what keeps nothing of what it is fitted on says the same."""
    if not getattr(fitted, "learns", True):
        return means
    if hasattr(fitted, "fit_inputs"):  # what is known of the same history need not be found out twice
        before = replace(before, fit_inputs=fitted.fit_inputs)  # type: ignore[type-var]
    return forecast_with_lifecycle(before, known, task, task.horizon)["mean"]


def known_at_cutoff(cutoff: pd.Timestamp, sold: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """`sold` (as of `sold_rows`) up to `cutoff`, as it is learned from, and what is known in advance of the horizon.

    That of the entities alive by then. What is known of a period is taken as known a horizon before: a price list is
    written before it holds.
    """
    over = sold[task.time] <= cutoff
    target = learnable_target(sold, cutoff, task)
    if not task.known:
        return sold.loc[over].assign(**{task.target: target}).reset_index(drop=True)
    target = pd.Series(target, index=sold.index[over])
    ahead = sold[task.time].isin(future_times(cutoff, task.horizon, task))
    ahead &= sold[task.entity].isin(sold.loc[over, task.entity].unique())
    kept = over | ahead
    known, unknown = sold.loc[kept].assign(**{task.target: target}).reset_index(drop=True), ahead[kept].to_numpy(bool)
    hidden = [name for name in map(str, known) if name not in (task.entity, task.time, task.censored, *task.known)]
    known = known.assign(**{name: known[name].mask(unknown) for name in hidden})
    return known.assign(**{task.censored: known[task.censored] & ~unknown}) if task.censored else known


def beside_actuals(forecast: pd.DataFrame, sold: pd.DataFrame, task: ForecastTask) -> pd.DataFrame:
    """The rows of `forecast` of which something was sold or not, with that; an entity that was not alive has none."""
    there = sold[task.time].isin(forecast["time"].unique())
    actuals = sold.loc[there, [task.entity, task.time, task.target]].set_axis(["entity", "time", "actual"], axis=1)
    cut = sold.loc[there, task.censored].to_numpy(bool) if task.censored else False
    actuals["censored"] = cut | sold.loc[there, task.time].isin(undelivered_times(sold, task)).to_numpy(bool)
    actuals["entity"] = np.asarray(actuals["entity"])
    return forecast.merge(actuals, on=["entity", "time"], how="inner", validate="one_to_one")
