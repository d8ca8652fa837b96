"""Gradient boosting on what is known of a deal, its people and its product. The classifier itself is in `learning/`."""

from s2p_assets import classifiers, model
from s2p_assets.models.crm_win_forest import COLUMNS


@model(contest="win_champion", owner="sales-operations@example.com")
def win_boosting() -> classifiers.Boosting:
    """Trees, each on what those before it left open, on the same as the forest."""
    return classifiers.Boosting(columns=COLUMNS, trials=4)
