"""Rolling-origin backtests: forecasts from past cutoffs, beside the actuals.

Measuring the errors is for `metrics.py`, judging them for `champion.py`.
"""

import logging

import pandas as pd

from s2p_assets.learning.forecasting.intervals import deviations
from s2p_assets.learning.forecasting.lifecycle import foretold
from s2p_assets.learning.forecasting.series import TooLittleHistory, coming, regular, told, uncensor
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.scale import each

BACKTEST_COLUMNS = ("fold", "cutoff", "entity", "time", "step", "actual", "mean", "censored", "deviation")

LEAST_PERIODS = 2

log = logging.getLogger(__name__)


def cutoffs(history: pd.DataFrame, problem: Problem) -> list[pd.Timestamp]:
    """The last period known to each fold, oldest first; fewer than `problem.folds` when the history is short.

    Without a `problem.step` the folds cover a year, so that no season alone decides; of a history that is too short
    for that, its second half. Every fold has at least a horizon's length to learn from; a history that is too short
    for even one such fold has a single one at its half, measured on what is left. Raises TooLittleHistory below two.
    """
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    sold = told(history, problem)[problem.time]
    times = pd.date_range(sold.min(), sold.max(), freq=problem.every)
    folds, step = (problem.folds, problem.step) if problem.step else _over_a_year(len(times), problem)
    ends = [len(times) - 1 - problem.horizon - fold * step for fold in range(folds)]
    usable = [times[end] for end in reversed(ends) if end >= problem.horizon - 1]
    if not usable and len(times) >= LEAST_PERIODS:
        return [times[(len(times) - 1) // 2]]
    if not usable:
        raise TooLittleHistory(f"{len(times)} period of history; a backtest needs {LEAST_PERIODS}")
    return usable


def _over_a_year(periods: int, problem: Problem) -> tuple[int, int]:
    """How many folds, and how far apart: over a year, or the half of the history; never closer than half a horizon."""
    first = max(problem.horizon, min(problem.year, periods // 2))
    room = max(periods - problem.horizon - first, 0)
    folds = min(problem.folds, room // max(problem.horizon // 2, 1) + 1)
    return folds, max(min(problem.year // problem.folds, room // max(folds - 1, 1)), 1)


def rolling_origin(forecaster: Forecaster, history: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Refit `forecaster` at each cutoff on what was known then, and forecast the horizon; folds side by side.

    One row per (fold, entity, step): fold (1 is the oldest), cutoff, entity, time, step, actual, mean,
    censored, deviation (of the entity, as known at the cutoff).
    Actuals are what was sold; where `censored`, demand was higher and no metric counts the row.
    An entity counts from the first fold that has a row of it. After Tashman (2000).
    """
    sold = regular(history, problem)
    demand = uncensor(sold, problem)
    ends = cutoffs(sold, problem)
    if len(ends) < problem.folds:
        log.warning("only %d of %d folds: the history starts %s", len(ends), problem.folds, sold[problem.time].min())
    tasks = ((forecaster, known_at(cutoff, demand, problem), problem) for cutoff in ends)
    forecasts = each(_foretold, tasks, says=f"{type(forecaster).__name__}: fold")
    folds = [
        _beside_actuals(forecast, sold, problem).assign(fold=fold, cutoff=cutoff)
        for fold, (cutoff, forecast) in enumerate(zip(ends, forecasts, strict=True), start=1)
    ]
    return pd.concat(folds, ignore_index=True)[list(BACKTEST_COLUMNS)]


def _foretold(forecaster: Forecaster, known: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    rows = foretold(forecaster.fit(known, problem), known, problem, problem.horizon)
    return rows.assign(deviation=rows["entity"].map(deviations(known, problem)))


def known_at(cutoff: pd.Timestamp, demand: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """`demand` (learnable) up to `cutoff`, and of the horizon after it what is known in advance, of those then alive.

    What is known of a period is taken as known a horizon before: a price list is written before it holds.
    """
    over = demand[problem.time] <= cutoff
    if not problem.known:
        return demand.loc[over].reset_index(drop=True)
    ahead = demand[problem.time].isin(coming(cutoff, problem.horizon, problem))
    ahead &= demand[problem.entity].isin(demand.loc[over, problem.entity].unique())
    known, unknown = demand.loc[over | ahead].reset_index(drop=True), ahead[over | ahead].to_numpy(bool)
    hidden = [
        name for name in map(str, known) if name not in (problem.entity, problem.time, problem.censored, *problem.known)
    ]
    known = known.assign(**{name: known[name].mask(unknown) for name in hidden})
    return known.assign(**{problem.censored: known[problem.censored] & ~unknown}) if problem.censored else known


def _beside_actuals(forecast: pd.DataFrame, sold: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    actuals = sold[[problem.entity, problem.time, problem.target]].set_axis(["entity", "time", "actual"], axis=1)
    actuals["censored"] = sold[problem.censored].to_numpy(bool) if problem.censored else False
    return forecast.merge(actuals, on=["entity", "time"], how="inner", validate="one_to_one")
