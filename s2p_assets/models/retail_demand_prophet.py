"""Prophet as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.prophet_total import ProphetTotal


@model(contest="demand_champion", owner="planning@example.com")
def demand_prophet() -> ProphetTotal:
    """Trend and season of the company's total by Prophet, shared down to SKUs as they sold in the last 13 weeks."""
    return ProphetTotal(recent=13)
