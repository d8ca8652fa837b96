"""Gradient boosting as a model of the top ten. The classifier itself is in `learning/`."""

from s2p_assets.contracts.model import model
from s2p_assets.learning.classification.models.boosting import Boosting


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_boosting() -> Boosting:
    """Boosted trees on all that is known before the start, untuned, for that gains nothing here."""
    return Boosting(trials=1)
