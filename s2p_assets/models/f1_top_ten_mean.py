"""The mean of two models of the top ten. The classifiers themselves are in `learning/`."""

from s2p_assets.learning.classifiers.boosting import Boosting
from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.classifiers.mean import Mean
from s2p_assets.learning.model import model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_mean() -> Mean:
    """The mean of logistic regression and boosting, which err in different ways."""
    return Mean((Logistic(trials=1), Boosting(trials=1)))
