"""The mean of boosting and Prophet as the trading company's demand model. The forecaster itself is in `learning/`."""

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.combination import Combination
from s2p_assets.learning.forecasters.prophet_total import ProphetTotal
from s2p_assets.learning.model import model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> Combination:
    """The mean of two boostings that learn from other draws of the weeks, and of Prophet on the company's total."""
    return Combination((Boosting(), Boosting(seed=1), ProphetTotal(recent=13)))
