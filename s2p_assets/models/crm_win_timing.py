"""Gradient boosting on when a deal stands where. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="win_champion", owner="sales-operations@example.com")
def win_timing() -> classifiers.Boosting:
    """How long the deal has lived and how long the quarter still lasts, and nothing else: deals are won as it closes.

    Neither tuned nor calibrated: a few quarters are too few to hold some of them back for that.
    """
    return classifiers.Boosting(columns=("age_days", "days_to_quarter_end"), trials=1, calibrated=False)
