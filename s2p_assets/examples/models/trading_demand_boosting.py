"""Gradient boosting as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_boosting() -> forecasters.Boosting:
    """One gradient boosting for all items, without prices: the price list is undated, so none ever changes."""
    return forecasters.Boosting()
