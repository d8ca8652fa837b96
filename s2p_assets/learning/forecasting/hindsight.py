"""What a champion would have foreseen of past periods, beside what came, all entities together.

What it foresees of periods to come is in `versions.py`; how good its forecasts were, measured, in `scores.py`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from s2p_assets.learning.forecasting.intervals import quantiles_of_totals
from s2p_assets.learning.versions import LEVELS, Champion


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
    named = totals.assign(model=champion.name, model_version=champion.version).drop(columns="fold")
    return named.rename(columns={"time": champion.problem.time})
