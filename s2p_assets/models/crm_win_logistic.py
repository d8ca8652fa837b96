"""Logistic regression on all that is known of a deal. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="win_champion", owner="sales-operations@example.com")
def win_logistic() -> classifiers.Logistic:
    """How much each thing known of a deal adds to its odds, all else equal."""
    return classifiers.Logistic(trials=4)
