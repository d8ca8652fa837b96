"""Boosting and the moving average together as the trading company's demand model. The forecaster is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> forecasters.Combination:
    """Two parts boosting and one part the mean of the last 13 weeks, which errs elsewhere."""
    return forecasters.Combination((forecasters.Boosting(), forecasters.MovingAverage(periods=13)), weights=(2.0, 1.0))
