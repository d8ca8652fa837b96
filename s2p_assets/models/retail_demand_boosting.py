"""Gradient boosting as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_boosting() -> forecasters.Boosting:
    """One gradient boosting for all SKUs, on recent weeks, level, variation, price, age and the time of year.

    The time of year counts only with two years of history.
    """
    return forecasters.Boosting(price="unit_price")
