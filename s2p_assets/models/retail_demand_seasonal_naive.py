"""The plainest demand model, which every other must beat. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.seasonal_naive import SeasonalNaive


@model(contest="demand_champion", owner="planning@example.com")
def demand_seasonal_naive() -> SeasonalNaive:
    """Demand as in the same week a year ago; for younger SKUs, the mean of the last eight weeks."""
    return SeasonalNaive(recent=8)
