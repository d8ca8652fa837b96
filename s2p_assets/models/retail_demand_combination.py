"""The mean of boosting and the moving average as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> forecasters.Combination:
    """Two parts boosting and one part the mean of the last 13 weeks, which errs elsewhere."""
    return forecasters.Combination(
        (forecasters.Boosting("unit_price"), forecasters.MovingAverage(periods=13)), weights=(2.0, 1.0)
    )
