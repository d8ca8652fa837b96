"""Last year's weeks as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_seasonal_naive() -> forecasters.SeasonalNaive:
    """Demand as in the same week a year ago."""
    return forecasters.SeasonalNaive()
