"""Logistic regression as a model of cars that do not finish. The classifier itself is in `learning/`."""

from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.model import model


@model(contest="failure_champion", owner="race-office@example.com")
def failure_logistic() -> Logistic:
    """Logistic regression on all that is known before the start."""
    return Logistic(trials=4)
