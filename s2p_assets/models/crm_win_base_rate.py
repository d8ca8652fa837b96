"""The share of deals won as a model, which every other must beat. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model


@model(contest="win_champion", owner="sales-operations@example.com")
def win_base_rate() -> classifiers.BaseRate:
    """Every deal as probable as deals were won until then."""
    return classifiers.BaseRate()
