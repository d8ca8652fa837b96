"""Exponential smoothing as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets.learning.forecasters.smoothing import Smoothing
from s2p_assets.learning.model import model


@model(contest="demand_champion", owner="planning@example.com")
def demand_smoothing() -> Smoothing:
    """Demand as in the weeks before, the more the nearer they are, the same for every week to come."""
    return Smoothing(season=False)
