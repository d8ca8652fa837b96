"""Logistic regression as a model of the top ten. The classifier itself is in `learning/`."""

from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.model import model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_logistic() -> Logistic:
    """Logistic regression on all that is known before the start."""
    return Logistic(trials=4)
