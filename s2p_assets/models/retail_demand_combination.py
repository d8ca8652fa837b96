"""The mean of boosting and the moving average as a demand model. The forecaster itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.forecasting.models.boosting import Boosting
from s2p_assets.learning.forecasting.models.combination import Combination
from s2p_assets.learning.forecasting.models.moving_average import MovingAverage


@model(contest="demand_champion", owner="planning@example.com")
def demand_combination() -> Combination:
    """Two parts boosting and one part the mean of the last 13 weeks, which errs elsewhere."""
    return Combination((Boosting("unit_price"), MovingAverage(periods=13)), weights=(2.0, 1.0))
