"""Logistic regression on all that is known of a deal. The classifier itself is in `learning/`."""

from s2p_assets.learning.classifiers.logistic import Logistic
from s2p_assets.learning.model import model


@model(contest="win_champion", owner="sales-operations@example.com")
def win_logistic() -> Logistic:
    """How much each thing known of a deal adds to its odds, all else equal."""
    return Logistic(trials=4)
