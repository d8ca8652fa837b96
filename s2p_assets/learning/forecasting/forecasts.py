"""The champion's forecasts: of every series and of their total, of periods to come and, in backtests, of past ones.

How a forecaster makes its means is in its own module; how good its forecasts were, measured, in `scores.py`.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.intervals import deviations, quantiles_of_totals, spread
from s2p_assets.learning.forecasting.lifecycle import NEW, foretold, launches
from s2p_assets.learning.forecasting.series import Matrix, learnable
from s2p_assets.learning.model import Forecaster, Problem
from s2p_assets.learning.versions import Champion

LEVELS = (0.1, 0.5, 0.9)


def foresee(
    champion: Champion[Problem],
    history: pd.DataFrame,
    *,
    listed: pd.DataFrame | None = None,
    horizon: int | None = None,
    levels: Sequence[float] = LEVELS,
) -> pd.DataFrame:
    """What the champion foresees of every entity in `history`, by default over the contest's horizon.

    `listed`: entities that may be sold and have no row in `history` yet, as `lifecycle.launches` takes them; their
    demand is told by how their peers began. One row per (entity, step): entity and time under the problem's names,
    step, mean, deviation (of the entity's past periods, for quantiles of sums), a quantile per level (`q10` for 0.1),
    life (`new` by its peers, `ended`, or missing), peers (their names), model, model_version. Quantiles from the
    spread of the champion's backtest.
    """
    problem, steps = champion.problem, horizon or champion.problem.horizon
    known = learnable(history, problem)
    rows = foretold(cast("Forecaster", champion.model.learner), known, problem, steps)
    unneeded = pd.Series(pd.NA, index=rows.index, dtype="string")
    rows = rows.assign(deviation=rows["entity"].map(deviations(known, problem)), peers=unneeded)
    if listed is not None and len(listed):
        when = rows[["time", "step"]].drop_duplicates()
        new = launches(known, listed, problem, problem.horizon).merge(when, how="cross").assign(life=NEW)
        rows = pd.concat([rows, new.astype({"life": "string", "peers": "string"})], ignore_index=True)
    errors = spread(champion.model.backtest, problem)
    quantiles = errors.quantiles(rows["mean"], rows["step"], levels, rows["deviation"])
    return _labelled(rows, quantiles, levels, champion)


def foresee_total(
    champion: Champion[Problem], history: pd.DataFrame, *, horizon: int | None = None, levels: Sequence[float] = LEVELS
) -> pd.DataFrame:
    """What the champion foresees of all entities in `history` together: as `foresee`, one row per step, no entity.

    Quantiles from the totals of the champion's backtest.
    """
    problem = champion.problem
    forecaster = cast("Forecaster", champion.model.learner)
    rows = foretold(forecaster, learnable(history, problem), problem, horizon or problem.horizon)
    totals = rows.groupby(["time", "step"])["mean"].sum().reset_index()
    quantiles = quantiles_of_totals(champion.model.backtest, totals["mean"], levels)
    return _labelled(totals, quantiles, levels, champion)


def _labelled(
    rows: pd.DataFrame, quantiles: Matrix, levels: Sequence[float], champion: Champion[Problem]
) -> pd.DataFrame:
    """`rows` with a column per level and the champion's name, under the names of its problem."""
    columns = {f"q{round(level * 100):02d}": values for level, values in zip(levels, quantiles.T, strict=True)}
    named = rows.assign(**columns, model=champion.model_name, model_version=champion.version)
    return named.rename(columns={"entity": champion.problem.entity, "time": champion.problem.time})


def foreseen_totals(champion: Champion, levels: Sequence[float] = LEVELS) -> pd.DataFrame:
    """The totals of the champion's backtest: one row per (cutoff, step), oldest first.

    Columns: cutoff, time under the problem's name, step, actual, mean, a quantile per level (`q10` for 0.1), model,
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
    return named.rename(columns={"time": champion.problem.time})
