"""The contest of the trading company's demand models. The candidates have files of their own."""

import pandas as pd

from s2p_assets.contracts.model import contest
from s2p_assets.examples.features.trading_demand_features import WEEKLY_DEMAND
from s2p_assets.learning.selection.champion import choose_champion

BASELINES = ("demand_seasonal_naive", "demand_moving_average", "demand_smoothing")


@contest(features="demand_features", task=WEEKLY_DEMAND, baselines=BASELINES, owner="planning@example.com")
def demand_champion(losses: pd.DataFrame, incumbent: str | None) -> str:
    """The model that forecasts demand: the lowest mean RMSSE on the same past weeks, and no worse than a plain one."""
    return choose_champion(losses, incumbent)
