"""The trading company's plainest demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_moving_average() -> forecasters.MovingAverage:
    """Demand as in the mean of the last 26 weeks: half a year, because an item is not sold in one week of four."""
    return forecasters.MovingAverage(periods=26)
