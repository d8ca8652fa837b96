"""Logistic regression as a model of the top ten. The classifier itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.logistic import Logistic


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_logistic() -> Logistic:
    """Logistic regression on all that is known before the start."""
    return Logistic(trials=4)
