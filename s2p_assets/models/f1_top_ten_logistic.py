"""Logistic regression as a model of the top ten. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_logistic() -> classifiers.Logistic:
    """Logistic regression on all that is known before the start."""
    return classifiers.Logistic(trials=4)
