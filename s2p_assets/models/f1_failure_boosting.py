"""Gradient boosting as a model of cars that do not finish. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="failure_champion", owner="race-office@example.com")
def failure_boosting() -> classifiers.Boosting:
    """Boosted trees on all that is known before the start, untuned, for that gains nothing here."""
    return classifiers.Boosting(trials=1)
