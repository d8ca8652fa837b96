"""Prophet as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal


@model(contest="demand_champion", owner="planning@example.com")
def demand_prophet() -> ProphetTotal:
    """Trend and season of all sales by Prophet, shared down to items as they sold in the last half year."""
    return ProphetTotal(recent=26)
