"""Forecasts that orders follow from: the champion's, or where a rival's orders served better, that rival's.

Which one serves orders better is found out in `inventory/`; here it is had, with its backtest and its errors.
"""

from dataclasses import replace
from typing import cast

import pandas as pd

from s2p_assets.contracts.model import Forecaster, ForecastTask
from s2p_assets.learning.forecasting.intervals import ErrorDistribution, as_wide_as, error_distribution
from s2p_assets.learning.forecasting.learnable import training_rows
from s2p_assets.learning.forecasting.lifecycle import forecast_with_lifecycle
from s2p_assets.learning.registry.learner_files import ModelDamaged
from s2p_assets.learning.versions import Champion

MOST_TRIED = 1_000


def backtests_on_same_folds(champion: Champion[ForecastTask], most: int = MOST_TRIED) -> dict[str, pd.DataFrame]:
    """The backtests of the champion and of its rivals by model, the champion's first; of `most` entities.

    Those are drawn evenly from all that the champion was tried on, by name. A rival that is damaged is left out.
    """
    own = champion.model.backtest
    names = sorted(own["entity"].astype(str).unique())
    kept = set(names[:: max(-(-len(names) // most), 1)])
    found = {champion.model_name: own}
    for name, rival in champion.rivals.items():
        try:
            found[name] = rival.backtest()
        except ModelDamaged:
            continue
    return {name: rows[rows["entity"].astype(str).isin(kept)] for name, rows in found.items()}


def versions_on_same_folds(champion: Champion[ForecastTask]) -> dict[str, str]:
    """Model → version, of the champion and its rivals."""
    return {champion.model_name: champion.version} | {name: one.version for name, one in champion.rivals.items()}


def order_means(
    champion: Champion[ForecastTask], history: pd.DataFrame, rows: pd.DataFrame, ordered_by: str
) -> "pd.Series[float]":
    """The means that orders follow from, of the `rows` of `forecast_series`: by the model `ordered_by`.

    Of an entity that this model does not know, as it was never sold, the champion's.
    """
    if ordered_by not in champion.rivals:
        return rows["mean"]
    task, steps = champion.task, int(rows["step"].max())
    learner = cast("Forecaster", champion.rivals[ordered_by].load().learner)
    said = forecast_with_lifecycle(learner, training_rows(history, task), task, steps)
    means = said.set_index(["entity", "step"])["mean"]
    keys = pd.MultiIndex.from_arrays([rows[task.entity], rows["step"]])
    return pd.Series(means.reindex(keys).to_numpy(), index=rows.index).fillna(rows["mean"])


def order_errors(champion: Champion[ForecastTask], rows: pd.DataFrame, ordered_by: str) -> ErrorDistribution:
    """How far demand falls from those means; as wide as the ranges of `rows`, the champion's, by what came since."""
    own = error_distribution(champion.model.backtest, champion.task)
    wide = as_wide_as(own, rows)
    if ordered_by not in champion.rivals:
        return wide
    return replace(error_distribution(champion.rivals[ordered_by].backtest(), champion.task), width=wide.width)
