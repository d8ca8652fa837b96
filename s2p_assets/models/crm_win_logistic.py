"""Logistic regression on all that is known of a deal. The classifier itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.logistic import Logistic


@model(contest="win_champion", owner="sales-operations@example.com")
def win_logistic() -> Logistic:
    """How much each thing known of a deal adds to its odds, all else equal."""
    return Logistic(trials=4)
