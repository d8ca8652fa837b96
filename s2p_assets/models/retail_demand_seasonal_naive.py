"""The plainest demand model, which every other must beat. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_seasonal_naive() -> forecasters.SeasonalNaive:
    """Demand as in the same week a year ago; for younger SKUs, the mean of the last eight weeks."""
    return forecasters.SeasonalNaive(recent=8)
