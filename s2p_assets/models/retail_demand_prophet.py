"""Prophet as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_prophet() -> forecasters.ProphetTotal:
    """Trend and season of the company's total by Prophet, shared down to SKUs as they sold in the last 13 weeks."""
    return forecasters.ProphetTotal(recent=13)
