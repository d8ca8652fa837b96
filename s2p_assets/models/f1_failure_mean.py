"""The mean of two models of cars that do not finish. The classifiers themselves are in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.boosting import Boosting
from s2p_assets.learning.classification.models.logistic import Logistic
from s2p_assets.learning.classification.models.mean import Mean


@model(contest="failure_champion", owner="race-office@example.com")
def failure_mean() -> Mean:
    """The mean of logistic regression and boosting, which err in different ways."""
    return Mean((Logistic(trials=1), Boosting(trials=1)))
