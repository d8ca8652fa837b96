"""The demand model of most spreadsheets. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_moving_average() -> forecasters.MovingAverage:
    """Demand as in the mean of the last 13 weeks, the same for every week to come."""
    return forecasters.MovingAverage(periods=13)
