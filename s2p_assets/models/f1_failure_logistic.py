"""Logistic regression as a model of cars that do not finish. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="failure_champion", owner="race-office@example.com")
def failure_logistic() -> classifiers.Logistic:
    """Logistic regression on all that is known before the start."""
    return classifiers.Logistic(trials=4)
