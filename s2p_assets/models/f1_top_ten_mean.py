"""The mean of two models of the top ten. The classifiers themselves are in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.mean import Mean


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_mean() -> Mean:
    """The mean of logistic regression and boosting, which err in different ways."""
    return Mean((Logistic(trials=1), Boosting(trials=1)))
