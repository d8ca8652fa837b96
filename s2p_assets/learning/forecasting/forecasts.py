"""The champion's forecasts: of every series and of their total, of periods to come and, in backtests, of past ones.

How a forecaster makes its means is in its own module; how good its forecasts were, measured, in `scores.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.intervals import deviations, error_distribution, quantiles_of_totals
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.lifecycle import ENDED, NEW, forecast_new_entities, forecast_with_lifecycle
from s2p_assets.learning.forecasting.newer_errors import newer_errors, width_of_late
from s2p_assets.learning.forecasting.series import Matrix
from s2p_assets.learning.versions import Champion

LEVELS = (0.1, 0.5, 0.9)
NO_WIDTH = 1e-9
DISCONTINUED = "taken as discontinued, as it sold nothing for long"
SOLD_NOTHING_LATELY = "nothing sold for a quarter"
TOO_LITTLE_TESTED = "too few weeks to say how far it may be off"


@runtime_checkable
class ReasonedForecaster(Protocol):
    """A forecaster that can say in a sentence why it forecasts a series as it does."""

    @property
    def description(self) -> str: ...

    def reasons(self, names: "pd.Series[Any]") -> "pd.Series[str]": ...


def forecast_series(
    champion: Champion[ForecastTask],
    history: pd.DataFrame,
    *,
    listed: pd.DataFrame | None = None,
    horizon: int | None = None,
    levels: Sequence[float] = LEVELS,
) -> pd.DataFrame:
    """The champion's forecast of every entity in `history`, by default over the contest's horizon.

    `listed`: entities that may be sold and have no row in `history` yet, as `lifecycle.forecast_new_entities` takes
    them; their demand is forecast by how their peers began. One row per (entity, step): entity and time under the
    task's names, step, mean, deviation (of the entity's past periods, for quantiles of sums), a quantile per level
    (`q10` for 0.1), life (`new` by its peers, `ended`, `seasonal`, or missing), peers (their names), basis (why it
    is forecast as it is, in a sentence, where the champion weighs by series), model, model_version.
    Quantiles from the spread of the champion's backtest, as wide as what came since asks for.
    """
    task, steps = champion.task, horizon or champion.task.horizon
    known = training_rows(history, task)
    rows = forecast_with_lifecycle(cast("Forecaster", champion.model.learner), known, task, steps)
    unneeded = pd.Series(pd.NA, index=rows.index, dtype="string")
    rows = rows.assign(deviation=rows["entity"].map(deviations(known, task)), peers=unneeded, basis=unneeded)
    if isinstance(champion.model.learner, ReasonedForecaster):
        rows["basis"] = champion.model.learner.reasons(rows["entity"]).mask(rows["life"].notna())
    if listed is not None and len(listed):
        when = rows[["time", "step"]].drop_duplicates()
        new = forecast_new_entities(known, listed, task, task.horizon).merge(when, how="cross").assign(life=NEW)
        new = new.astype({"life": "string", "peers": "string"}).assign(
            basis=pd.Series(pd.NA, new.index, dtype="string")
        )
        rows = pd.concat([rows, new], ignore_index=True)
    errors = error_distribution(champion.model.backtest, task)
    errors = replace(errors, width=width_of_late(errors, newer_errors(champion.model, history)))
    quantiles = errors.quantiles(rows["mean"], rows["step"], levels, rows["deviation"])
    return _labelled(rows, quantiles, levels, champion)


def range_notes(rows: pd.DataFrame, low: str = "q10", high: str = "q90") -> "pd.Series[str]":
    """Why the range of a forecast has no width, in words; missing where it has one.

    `rows`: as of `forecast_series`, with the quantiles `low` and `high`. Nothing is sure because a range has no width:
    either nothing is expected at all, or too little was tested to know how far the forecast falls from what is sold.
    """
    narrow = (rows[high] - rows[low]).abs() <= NO_WIDTH * rows["mean"].abs().clip(lower=1.0)
    idle = (rows["mean"] <= 0) & (rows["deviation"] <= 0)
    notes = pd.Series(TOO_LITTLE_TESTED, index=rows.index, dtype="string").mask(idle, SOLD_NOTHING_LATELY)
    return notes.mask((rows["life"] == ENDED).fillna(False), DISCONTINUED).where(narrow)


def forecast_total(
    champion: Champion[ForecastTask],
    history: pd.DataFrame,
    *,
    horizon: int | None = None,
    levels: Sequence[float] = LEVELS,
) -> pd.DataFrame:
    """The champion's forecast of the total of all entities in `history`: as of `forecast_series`, one row per step, no
    entity.

    Quantiles from the totals of the champion's backtest.
    """
    task = champion.task
    forecaster = cast("Forecaster", champion.model.learner)
    rows = forecast_with_lifecycle(forecaster, training_rows(history, task), task, horizon or task.horizon)
    totals = rows.groupby(["time", "step"])["mean"].sum().reset_index()
    quantiles = quantiles_of_totals(champion.model.backtest, totals["mean"], levels)
    return _labelled(totals, quantiles, levels, champion)


def _labelled(
    rows: pd.DataFrame, quantiles: Matrix, levels: Sequence[float], champion: Champion[ForecastTask]
) -> pd.DataFrame:
    """`rows` with a column per level and the champion's name, under the names of its task."""
    columns = {f"q{round(level * 100):02d}": values for level, values in zip(levels, quantiles.T, strict=True)}
    named = rows.assign(**columns, model=champion.model_name, model_version=champion.version)
    return named.rename(columns={"entity": champion.task.entity, "time": champion.task.time})


def backtest_totals(champion: Champion, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """The totals of the champion's backtest: one row per (cutoff, step), oldest first.

    Columns: cutoff, time under the task's name, step, actual, mean, a quantile per level (`q10` for 0.1), model,
    model_version. Quantiles come from the errors of earlier folds, so the oldest fold has none: NaN. Actuals are what
    was sold, also where stock ran out.
    """
    backtest = champion.model.backtest
    totals = backtest.groupby(["fold", "cutoff", "time", "step"])[["actual", "mean"]].sum().reset_index()
    names = [f"q{round(level * 100):02d}" for level in levels]
    quantiles = np.full((len(totals), len(names)), np.nan)
    for fold in sorted(totals["fold"].unique()):
        before, here = backtest[backtest["fold"] < fold], (totals["fold"] == fold).to_numpy()
        known = before[~before["censored"].astype(bool)]
        if known["mean"].sum() > 0:
            quantiles[here] = quantiles_of_totals(before, totals.loc[here, "mean"], levels)
    totals[names] = quantiles
    named = totals.assign(model=champion.model_name, model_version=champion.version).drop(columns="fold")
    return named.rename(columns={"time": champion.task.time})
