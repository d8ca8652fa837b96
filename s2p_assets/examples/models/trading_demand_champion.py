"""The contest of the trading company's demand models. The candidates have files of their own."""

from s2p_assets import Frame, choose_champion, contest
from s2p_assets.examples.features.trading_demand_features import WEEKLY_DEMAND

BASELINES = ("demand_seasonal_naive", "demand_moving_average", "demand_smoothing")


@contest(features="demand_features", task=WEEKLY_DEMAND, baselines=BASELINES, owner="planning@example.com")
def demand_champion(losses: Frame, incumbent: str | None) -> str:
    """The model that forecasts demand: the lowest mean RMSSE on the same past weeks, and no worse than a plain one."""
    return choose_champion(losses, incumbent)
