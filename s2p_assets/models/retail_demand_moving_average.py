"""The demand model of most spreadsheets. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage


@model(contest="demand_champion", owner="planning@example.com")
def demand_moving_average() -> MovingAverage:
    """Demand as in the mean of the last 13 weeks, the same for every week to come."""
    return MovingAverage(periods=13)
