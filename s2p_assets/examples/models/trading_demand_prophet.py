"""Prophet as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets import forecasters, model


@model(contest="demand_champion", owner="planning@example.com")
def demand_prophet() -> forecasters.ProphetTotal:
    """Trend and season of all sales by Prophet, shared down to items as they sold in the last half year."""
    return forecasters.ProphetTotal(recent=26)
