"""Exponential smoothing as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.smoothing import Smoothing


@model(contest="demand_champion", owner="planning@example.com")
def demand_smoothing() -> Smoothing:
    """Demand as in the weeks before, the more the nearer they are, the same for every week to come."""
    return Smoothing(season=False)
