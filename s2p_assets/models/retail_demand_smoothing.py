"""Exponential smoothing as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_smoothing() -> forecasters.Smoothing:
    """Demand as in the weeks before, the more the nearer they are, the same for every week to come."""
    return forecasters.Smoothing(season=False)
