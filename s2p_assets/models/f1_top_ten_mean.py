"""The mean of two models of the top ten. The classifiers themselves are in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_mean() -> classifiers.Mean:
    """The mean of logistic regression and boosting, which err in different ways."""
    return classifiers.Mean((classifiers.Logistic(trials=1), classifiers.Boosting(trials=1)))
