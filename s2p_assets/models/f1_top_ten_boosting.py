"""Gradient boosting as a model of the top ten. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="top_ten_champion", owner="race-office@example.com")
def top_ten_boosting() -> classifiers.Boosting:
    """Boosted trees on all that is known before the start, untuned, for that gains nothing here."""
    return classifiers.Boosting(trials=1)
