"""Rolling-origin backtests: what a forecaster would have said at past moments, beside what came.

Measuring the errors is for `metrics.py`, judging them for `champion.py`.
"""

import logging

import pandas as pd

from s2p_assets.learning.intervals import deviations
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.scale import each
from s2p_assets.learning.series import TooLittleHistory, regular, uncensor

BACKTEST_COLUMNS = ("fold", "cutoff", "entity", "time", "step", "actual", "mean", "censored", "deviation")

LEAST_PERIODS = 2

log = logging.getLogger(__name__)


def cutoffs(history: pd.DataFrame, problem: Problem) -> list[pd.Timestamp]:
    """The last period known to each fold, oldest first; fewer than `problem.folds` when the history is short.

    Every fold has at least a horizon's length to learn from; a history that is too short for even one such fold
    has a single one at its half, which is measured on the periods that are left. Raises TooLittleHistory below two.
    """
    if history.empty:
        raise TooLittleHistory("the history has no rows; load data first")
    times = pd.date_range(history[problem.time].min(), history[problem.time].max(), freq=problem.every)
    ends = [len(times) - 1 - problem.horizon - fold * problem.step for fold in range(problem.folds)]
    usable = [times[end] for end in reversed(ends) if end >= problem.horizon - 1]
    if not usable and len(times) >= LEAST_PERIODS:
        return [times[(len(times) - 1) // 2]]
    if not usable:
        raise TooLittleHistory(f"{len(times)} period of history; a backtest needs {LEAST_PERIODS}")
    return usable


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
    tasks = (
        (forecaster, demand.loc[demand[problem.time] <= cutoff].reset_index(drop=True), problem) for cutoff in ends
    )
    forecasts = each(_foretold, tasks, says=f"{type(forecaster).__name__}: fold")
    folds = [
        _beside_actuals(forecast, sold, problem).assign(fold=fold, cutoff=cutoff)
        for fold, (cutoff, forecast) in enumerate(zip(ends, forecasts, strict=True), start=1)
    ]
    return pd.concat(folds, ignore_index=True)[list(BACKTEST_COLUMNS)]


def _foretold(forecaster: Forecaster, known: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    rows = forecaster.fit(known, problem).forecast(known, problem.horizon)
    return rows.assign(deviation=rows["entity"].map(deviations(known, problem)))


def _beside_actuals(forecast: pd.DataFrame, sold: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    actuals = sold[[problem.entity, problem.time, problem.target]].set_axis(["entity", "time", "actual"], axis=1)
    actuals["censored"] = sold[problem.censored].to_numpy(bool) if problem.censored else False
    return forecast.merge(actuals, on=["entity", "time"], how="inner", validate="one_to_one")
