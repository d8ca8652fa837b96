"""Gradient boosting as a model of cars that do not finish. The classifier itself is in `learning/`."""

from s2p_assets.learning.classifiers.boosting import Boosting
from s2p_assets.learning.model import model


@model(contest="failure_champion", owner="race-office@example.com")
def failure_boosting() -> Boosting:
    """Boosted trees on all that is known before the start, untuned, for that gains nothing here."""
    return Boosting(trials=1)
