"""The contest of the trading company's demand models. The candidates have files of their own."""

import pandas as pd

from s2p_assets.examples.features.trading_demand_features import WEEKLY_DEMAND
from s2p_assets.learning.champion import choose
from s2p_assets.learning.model import contest

FLOOR = ("demand_seasonal_naive", "demand_moving_average", "demand_smoothing")


@contest(features="demand_features", problem=WEEKLY_DEMAND, floor=FLOOR, owner="planning@example.com")
def demand_champion(losses: pd.DataFrame, standing: str | None) -> str:
    """The model that forecasts demand: the lowest mean RMSSE on the same past weeks, and no worse than a plain one."""
    return choose(losses, standing)
