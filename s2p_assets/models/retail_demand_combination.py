"""The mean of boosting and smoothing as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets.learning.forecasters.boosting import Boosting
from s2p_assets.learning.forecasters.combination import Combination
from s2p_assets.learning.forecasters.smoothing import Smoothing
from s2p_assets.learning.model import model


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> Combination:
    """The mean of boosting and of smoothing with the season of all SKUs: the surer the shorter the history."""
    return Combination((Boosting(price="unit_price"), Smoothing()))
